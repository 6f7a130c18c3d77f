package api_test

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

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/wasmhost"
)

// rig is a served application with an empty data directory.
type rig struct {
	t    testing.TB
	app  *app.App
	api  *api.API
	base string
	// spoiler spoils requests while commands are executed; not in benchmarks.
	spoiler *spoiler
}

// rigOptions say what else a rig has. The zero value is an application without extensions whose log nobody reads.
type rigOptions struct {
	// bind is called before the application is opened.
	bind func(a *app.App)
	// extensions is their directory, "" for none.
	extensions string
	limits     wasmhost.Limits
	grants     map[string][]wasmhost.Grant
	api        api.Options
	log        *journal
	// dir is the data directory, "" for a new one.
	dir string
	// ended is called after the application was closed.
	ended func()
}

// newRig serves an application until the test ends. bind is called before it is opened.
func newRig(t testing.TB, bind func(a *app.App)) *rig {
	t.Helper()
	return openRig(t, rigOptions{bind: bind})
}

// newRigWith is newRig with options of the API.
func newRigWith(t testing.TB, bind func(a *app.App), o api.Options) *rig {
	t.Helper()
	return openRig(t, rigOptions{bind: bind, api: o})
}

func openRig(t testing.TB, o rigOptions) *rig {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	if o.log != nil {
		logger = slog.New(o.log)
	}
	if o.dir == "" {
		o.dir = t.TempDir()
	}
	appOptions, spoils := app.Options{Dir: o.dir, Logger: logger}, new(spoiler)
	if _, bench := t.(*testing.B); !bench {
		appOptions.HandedOver = spoils.handedOver
		if o.api.Serving == nil {
			o.api.Serving = new(hooks.Hook[*api.ServeEvent])
		}
		o.api.Serving.BindFunc(func(e *api.ServeEvent) error {
			e.Router.Bind(spoils.carry())
			return e.Next()
		})
	}
	a := app.New(appOptions)
	if o.bind != nil {
		o.bind(a)
	}
	if err := a.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	o.api.Logger = logger
	server, err := api.New(a, o.api)
	if err != nil {
		t.Fatal(err)
	}
	if o.extensions != "" {
		err := a.Guests.Load(t.Context(), guests.Source{
			Dir: o.extensions, CacheDir: compiled(t), Limits: o.limits, Grants: o.grants, Routes: server.SetExtensions,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return &rig{t: t, app: a, api: server, base: serveRig(t, a, server, o.ended), spoiler: spoils}
}

// serveRig serves an application until the test ends, and returns where.
func serveRig(t testing.TB, a *app.App, server *api.API, ended func()) (base string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served, started := make(chan error, 1), make(chan struct{})
	go func() {
		served <- server.Serve(context.Background(), ln, func(net.Addr) error {
			close(started)
			return nil
		})
	}()
	select {
	case <-started:
	case err := <-served:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		if ended != nil {
			ended()
		}
	})
	return "http://" + ln.Addr().String()
}

// collection makes a collection of a definition in JSON; rules that it does not name are open to everybody.
func (g *rig) collection(definition string) *schema.Collection {
	g.t.Helper()
	var c *schema.Collection
	err := g.app.Catalogue.ChangeFunc(g.t.Context(), func(ch *schema.Change) (err error) {
		open := `{"listRule":"","viewRule":"","createRule":"","updateRule":"","deleteRule":"",`
		if c, err = schema.DecodeNew([]byte(open + strings.TrimPrefix(definition, "{"))); err != nil {
			return err
		}
		return ch.Create(c)
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return g.app.Catalogue.Current().ByID(c.ID)
}

// send sends a request with a JSON body ("" for none) and returns status and decoded answer.
func (g *rig) send(method, path, body string) (int, map[string]any) {
	g.t.Helper()
	return g.sendAs("", method, path, body)
}

// sendAs is send with a token.
func (g *rig) sendAs(token, method, path, body string) (int, map[string]any) {
	g.t.Helper()
	contentType := ""
	if body != "" {
		contentType = "application/json"
	}
	return g.sendTyped(token, contentType, method, path, body)
}

// sendTyped is send with a token ("" for none) and a body of a type.
func (g *rig) sendTyped(token, contentType, method, path, body string) (int, map[string]any) {
	g.t.Helper()
	status, _, raw := g.raw(method, path, body, http.Header{"Authorization": {token}, "Content-Type": {contentType}})
	var out map[string]any
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &out); err != nil {
			g.t.Fatalf("%s %s: %v: %s", method, path, err, raw)
		}
	}
	return status, out
}

// raw sends a request and returns status, headers and body of the answer.
func (g *rig) raw(method, path, body string, header http.Header) (int, http.Header, []byte) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), method, g.base+path, strings.NewReader(body))
	if err != nil {
		g.t.Fatal(err)
	}
	for name, values := range header {
		if values[0] != "" {
			req.Header[name] = values
		}
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
	return res.StatusCode, res.Header, raw
}

// ruleChange is a change of collections that sets the rules of one for writes.
func ruleChange(g *rig, id, rule string) func(ch *schema.Change) error {
	return func(ch *schema.Change) error {
		c := g.app.Catalogue.Current().ByID(id).Clone()
		c.CreateRule, c.UpdateRule, c.DeleteRule = &rule, &rule, &rule
		return ch.Update(id, c)
	}
}
