package api

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/storage/schema"
)

// rig is a served application with an empty data directory.
type rig struct {
	t    testing.TB
	app  *actors.App
	base string
}

// newRig serves an application until the test ends. bind is called before it is opened.
func newRig(t testing.TB, bind func(a *actors.App)) *rig {
	t.Helper()
	return newRigWith(t, bind, Options{})
}

// newRigWith is newRig with options.
func newRigWith(t testing.TB, bind func(a *actors.App), o Options) *rig {
	t.Helper()
	app := actors.New(actors.Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if bind != nil {
		bind(app)
	}
	if err := app.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	server, err := New(app, o)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(context.Background(), ln, nil) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
	return &rig{t: t, app: app, base: "http://" + ln.Addr().String()}
}

// collection makes a collection of a definition in JSON; rules that it does not name are open to everybody.
func (g *rig) collection(definition string) *schema.Collection {
	g.t.Helper()
	var c *schema.Collection
	err := g.app.ChangeSchema(g.t.Context(), func(ch *schema.Change) (err error) {
		open := `{"listRule":"","viewRule":"","createRule":"","updateRule":"","deleteRule":"",`
		if c, err = schema.DecodeNew([]byte(open + strings.TrimPrefix(definition, "{"))); err != nil {
			return err
		}
		return ch.Create(c)
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return g.app.Catalogue().ByID(c.ID)
}

// send sends a request with a JSON body ("" for none) and returns status and decoded answer.
func (g *rig) send(method, path, body string) (int, map[string]any) {
	g.t.Helper()
	return g.sendAs("", method, path, body)
}

// sendAs is send with a token.
func (g *rig) sendAs(token, method, path, body string) (int, map[string]any) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.base+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", token)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	var out map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			g.t.Fatalf("%s %s: %v: %s", method, path, err, raw)
		}
	}
	return res.StatusCode, out
}
