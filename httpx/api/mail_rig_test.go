package api_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/storage/schema"
)

// mailRig is a rig with a superuser, a sink, and the users ann and bob.
type mailRig struct {
	*rig
	sink *mailSink
	root string
}

const usersPath = "/api/collections/users/"

func newMailRig(t *testing.T, bind func(a *app.App)) *mailRig {
	t.Helper()
	g := &mailRig{rig: newRig(t, bind)}
	g.root = g.superuser()
	g.sink = g.rig.sink()
	g.cheapPasswords()
	for _, name := range []string{"ann", "bob"} {
		g.must(200, g.root, "POST", usersPath+"records",
			fmt.Sprintf(`{"id":"%[1]s000000000000","email":"%[1]s@x.test","password":"12345678","passwordConfirm":"12345678"}`, name))
	}
	return g
}

// cheapPasswords makes passwords and codes cost as little as they can.
func (g *mailRig) cheapPasswords() {
	g.t.Helper()
	err := g.app.Catalogue.ChangeFunc(g.t.Context(), func(ch *schema.Change) error {
		for _, name := range []string{"users", "_otps"} {
			c := g.app.Catalogue.Current().Find(name).Clone()
			c.Field("password").(*schema.PasswordField).Cost = 4
			if err := ch.Update(c.ID, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
}

// must sends a request that must get a status, and returns the answer.
func (g *mailRig) must(status int, token, method, path, body string) map[string]any {
	g.t.Helper()
	got, out := g.sendTyped(token, "application/json", method, path, body)
	if got != status {
		g.t.Fatalf("%s %s %s: %d %v, want %d", method, path, body, got, out, status)
	}
	return out
}

// options changes the options of users.
func (g *mailRig) options(definition string) {
	g.t.Helper()
	g.must(200, g.root, "PATCH", "/api/collections/users", definition)
}

func (g *mailRig) signIn(password string) (int, string) {
	g.t.Helper()
	status, out := g.send("POST", usersPath+"auth-with-password", `{"identity":"ann@x.test","password":"`+password+`"}`)
	token, _ := out["token"].(string)
	return status, token
}

// drained ends the mailer: what was queued has been delivered then.
func (g *mailRig) drained(why string) {
	g.t.Helper()
	g.app.Mailer.Close()
	g.sink.none(why)
}

func (g *mailRig) ann() map[string]any {
	g.t.Helper()
	return g.must(200, g.root, "GET", usersPath+"records/ann000000000000", "")
}

// code returns the code at a path of an answer's data.
func code(out map[string]any, field string) any {
	data, _ := out["data"].(map[string]any)
	leaf, _ := data[field].(map[string]any)
	return leaf["code"]
}

// waitFor asks until what is asked for is there.
func (g *mailRig) waitFor(what string, there func() bool) {
	g.t.Helper()
	for end := time.Now().Add(10 * time.Second); !there(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			g.t.Fatal(what)
		}
	}
}
