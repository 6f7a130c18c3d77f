package api_test

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/records"
)

// heldPadding makes a body longer than what a server reads ahead, so that the handler is waiting for it.
var heldPadding = strings.Repeat(" ", 200_000)

// held is a request whose headers were sent and whose body is not complete.
type held struct {
	t    testing.TB
	what string
	conn net.Conn
	last string
}

// hold sends a request but for the last byte of its body, which is padded, and returns when the server waits for it.
func (g *rig) hold(method, path, token, contentType, body string) *held {
	g.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.base, "http://"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { conn.Close() })
	if contentType != "application/json" {
		body = "--b\r\nContent-Disposition: form-data; name=\"padding\"\r\n\r\n" + heldPadding + "\r\n" + body
	} else {
		body = body[:len(body)-1] + heldPadding + body[len(body)-1:]
	}
	_, err = fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: %s\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n%s",
		method, path, contentType, token, len(body), body[:len(body)-1])
	if err != nil {
		g.t.Fatal(err)
	}
	return &held{g.t, method + " " + path, conn, body[len(body)-1:]}
}

// finish sends the last byte and returns the answer.
func (h *held) finish() (int, string) {
	h.t.Helper()
	if err := h.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		h.t.Fatal(err)
	}
	if _, err := io.WriteString(h.conn, h.last); err != nil {
		h.t.Fatalf("%s: %v", h.what, err)
	}
	res, err := http.ReadResponse(bufio.NewReader(h.conn), nil)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res.StatusCode, string(raw)
}

// identified counts the requests that have passed the layers which identify the caller.
type identified struct{ passed atomic.Int64 }

func (n *identified) options() api.Options {
	serving := new(hooks.Hook[*api.ServeEvent])
	serving.BindFunc(func(e *api.ServeEvent) error {
		e.Router.BindFunc(func(c *httpx.Context) error {
			n.passed.Add(1)
			return c.Next()
		})
		return e.Next()
	})
	return api.Options{Serving: serving}
}

// note makes a record of the collection notes, whatever its rules.
func (g *rig) note(id, text string) {
	g.t.Helper()
	r, err := g.app.Records.New("notes")
	if err == nil {
		r.Set("id", id)
		r.Set("t", text)
		err = g.app.Records.Save(g.t.Context(), r)
	}
	if err != nil {
		g.t.Fatal(err)
	}
}

// revocations are the ways in which a token ends.
var revocations = map[string]func(g *rig, r *records.Record) error{
	"deleted": func(g *rig, r *records.Record) error { return g.app.Records.Delete(g.t.Context(), r) },
	"password changed": func(g *rig, r *records.Record) error {
		r.Set("password", "another-password-1")
		return g.app.Records.Save(g.t.Context(), r)
	},
}

// heldForm is the type of a form whose boundary is b.
const heldForm = "multipart/form-data; boundary=b"

// heldKinds are requests with the collection of those who send them. One without a type of its body is JSON.
var heldKinds = map[string]struct{ of, method, path, contentType, body string }{
	"create":       {"users", "POST", "/api/collections/notes/records", "", `{"t":"revoked"}`},
	"upload":       {"users", "POST", "/api/collections/notes/records", heldForm, "--b\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\nrevoked\r\n--b--"},
	"update":       {"users", "PATCH", "/api/collections/notes/records/noteaaaaaaaaaaa", "", `{"t":"revoked"}`},
	"delete":       {"users", "DELETE", "/api/collections/notes/records/noteaaaaaaaaaaa", "", `{}`},
	"list":         {"users", "GET", "/api/collections/notes/records", "", `{}`},
	"view":         {"users", "GET", "/api/collections/notes/records/noteaaaaaaaaaaa", "", `{}`},
	"batch":        {"users", "POST", "/api/batch", "", `{"requests":[{"method":"POST","url":"/api/collections/notes/records","body":{"t":"revoked"}}]}`},
	"refresh":      {"users", "POST", "/api/collections/users/auth-refresh", "", `{}`},
	"email change": {"users", "POST", "/api/collections/users/request-email-change", "", `{"newEmail":"new@x.test"}`},
	"settings":     {"_superusers", "PATCH", "/api/settings", "", `{"meta":{"appName":"revoked"}}`},
	"collection":   {"_superusers", "POST", "/api/collections", "", `{"name":"revoked","type":"base"}`},
	"definition":   {"_superusers", "PATCH", "/api/collections/notes", "", `{"listRule":""}`},
	"import":       {"_superusers", "PUT", "/api/collections/import", "", `{"collections":[{"name":"revoked","type":"base"}]}`},
	"console":      {"_superusers", "POST", "/api/sql", "", `{"query":"DELETE FROM notes"}`},
	"impersonate":  {"_superusers", "POST", "/api/collections/users/impersonate/useraaaaaaaaaaa", "", `{"duration":100}`},
	"dry run":      {"_superusers", "POST", "/api/collections/meta/dry-run-view", "", `{"query":"SELECT id FROM notes"}`},
	"test mail":    {"_superusers", "POST", "/api/settings/test/email", "", `{"email":"a@x.test","template":"verification"}`},
}

// TestHeldBody: a request whose token ended while its body was held back gets the answer of one that was sent afterwards.
func TestHeldBody(t *testing.T) {
	const users, supers = "users", "_superusers"
	for how, revoke := range revocations {
		t.Run(how, func(t *testing.T) {
			callers := new(identified)
			g := newRigWith(t, nil, callers.options())
			g.allowBatches()
			const rule = `@request.auth.id != ''`
			g.collection(`{"name":"notes","type":"base","listRule":"` + rule + `","createRule":"` + rule + `","updateRule":"` + rule + `","viewRule":"` + rule + `","deleteRule":"` + rule + `","fields":[{"name":"t","type":"text"}]}`)
			g.token(users, "other@x.test")
			g.note("noteaaaaaaaaaaa", "first")
			g.token(supers, "root@example.com")
			tokens := map[string]string{users: g.token(users, "gone@x.test"), supers: g.token(supers, "gone@x.test")}
			waiting := make(map[string]*held)
			for name, k := range heldKinds {
				if k.contentType == "" {
					k.contentType = "application/json"
				}
				waiting[name] = g.hold(k.method, k.path, tokens[k.of], k.contentType, k.body)
			}
			eventually(t, "all requests wait for their bodies", func() bool { return callers.passed.Load() == int64(len(heldKinds)) })
			for _, of := range []string{users, supers} {
				r, err := g.app.Records.FindFirst(t.Context(), of, find("email", "gone@x.test"))
				if err == nil {
					err = revoke(g, r)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for name, k := range heldKinds {
				got, answer := waiting[name].finish()
				contentType := cmp.Or(k.contentType, "application/json")
				want, _, fresh := g.raw(k.method, k.path, k.body, http.Header{"Authorization": {tokens[k.of]}, "Content-Type": {contentType}})
				if got != want || answer != string(fresh) || got < 200 || got == 500 {
					t.Errorf("%s: %d %s, sent afterwards %d %s", name, got, answer, want, fresh)
				}
			}
			if n := g.count("notes"); n != 1 {
				t.Errorf("%d records instead of the one there was", n)
			}
			if r, err := g.app.Records.FindByID(t.Context(), "notes", "noteaaaaaaaaaaa"); err != nil || r.Text("t") != "first" {
				t.Errorf("the record was changed: %v %v", r, err)
			}
			if g.app.Settings.Current().Meta.AppName == "revoked" || g.app.Catalogue.Current().Find("revoked") != nil {
				t.Error("settings or collections were changed")
			}
		})
	}
}

// TestHeldSubscription: a stream is bound to who the token says it is when the subscription is made.
func TestHeldSubscription(t *testing.T) {
	for how, revoke := range revocations {
		t.Run(how, func(t *testing.T) {
			callers := new(identified)
			g := newRigWith(t, nil, callers.options())
			g.collection(`{"name":"notes","type":"base","listRule":"@request.auth.id != ''","fields":[{"name":"t","type":"text"}]}`)
			g.collection(`{"name":"marks","type":"base"}`)
			token := g.token("users", "gone@x.test")
			s := g.stream("")
			before := callers.passed.Load()
			body, err := json.Marshal(map[string]any{"clientId": s.id, "subscriptions": []string{"notes/*", "marks/*"}})
			if err != nil {
				t.Fatal(err)
			}
			h := g.hold("POST", "/api/realtime", token, "application/json", string(body))
			eventually(t, "the request waits for its body", func() bool { return callers.passed.Load() > before })
			r, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "gone@x.test"))
			if err == nil {
				err = revoke(g, r)
			}
			if err != nil {
				t.Fatal(err)
			}
			if status, answer := h.finish(); status != 204 {
				t.Fatal(status, answer)
			}
			g.note("", "secret")
			g.make("marks", `{}`)
			if event, data := s.next(); event != "marks/*" {
				t.Errorf("the stream got %s %v", event, data)
			}
		})
	}
}

// TestSubscribeVerifiesUnderTheLock: between the look at the token and the subscription the record can change, which the
// hub is not told of a second time.
func TestSubscribeVerifiesUnderTheLock(t *testing.T) {
	g := newRig(t, nil)
	token := g.token("users", "a@x.test")
	s := g.stream("")
	session, err := g.api.Verifier().Verify(t.Context(), token, auth.AuthToken)
	if err != nil {
		t.Fatal(err)
	}
	r, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "a@x.test"))
	if err == nil {
		err = g.app.Records.Delete(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
	hub := g.app.Realtime
	err = hub.Subscribe(t.Context(), s.id, []string{"users/*"}, session.Identity, "127.0.0.1", func() bool { return g.api.Verifier().Current(session) })
	if !errors.Is(err, realtime.ErrStale) {
		t.Errorf("subscribed with an identity that is gone: %v", err)
	}
}

// TestHeldBodyForACollectionMadeAgain: a request that began for a collection that was deleted is not one for the collection that
// has its name by now.
func TestHeldBodyForACollectionMadeAgain(t *testing.T) {
	callers := new(identified)
	g := newRigWith(t, nil, callers.options())
	root := g.superuser()
	definition := `{"name":"notes","type":"base","fields":[{"name":"t","type":"text"},{"name":"f","type":"file"}],"createRule":"","listRule":""}`
	make := func() {
		if status, out := g.sendAs(root, "POST", "/api/collections", definition); status != 200 {
			t.Fatal(status, out)
		}
	}
	make()
	before := callers.passed.Load()
	json := g.hold("POST", "/api/collections/notes/records", "", "application/json", `{"t":"old"}`)
	form := g.hold("POST", "/api/collections/notes/records", "", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nold\r\n--b--")
	eventually(t, "the requests wait for their bodies", func() bool { return callers.passed.Load() == before+2 })
	if status, out := g.sendAs(root, "DELETE", "/api/collections/notes", ""); status != 204 {
		t.Fatal(status, out)
	}
	make()
	for _, h := range []*held{json, form} {
		if status, answer := h.finish(); status != 404 {
			t.Errorf("%d %s", status, answer)
		}
	}
	if n := g.count("notes"); n != 0 {
		t.Errorf("%d records in the new collection", n)
	}
}
