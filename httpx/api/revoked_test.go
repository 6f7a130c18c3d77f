package api_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/settings"
)

// ownersOnly makes the collection notes, whose records only signed-in users see and write, with one record.
func ownersOnly(g *rig) {
	g.t.Helper()
	const rule = `@request.auth.id != ''`
	g.collection(`{"name":"notes","type":"base","listRule":"` + rule + `","createRule":"` + rule + `","updateRule":"` + rule + `","viewRule":"` + rule + `","deleteRule":"` + rule + `","fields":[{"name":"t","type":"text"},{"name":"f","type":"file"}]}`)
	g.note("noteaaaaaaaaaaa", "first")
}

// untouched tells whether notes are what ownersOnly made.
func untouched(g *rig, what string) {
	g.t.Helper()
	r, err := g.app.Records.FindByID(g.t.Context(), "notes", "noteaaaaaaaaaaa")
	if err != nil || r.Text("t") != "first" || g.count("notes") != 1 {
		g.t.Errorf("%s: %d records, the first is %v (%v)", what, g.count("notes"), r, err)
	}
}

// TestRevokedWhileQueued: a write that waits for the Writer while its caller is deleted is judged in the transaction, as a
// guest's. The transaction that deletes them holds the Writer until all have queued up.
func TestRevokedWhileQueued(t *testing.T) {
	const users, supers = "users", "_superusers"
	kinds := map[string]struct {
		of, method, path, body string
		want                   int
	}{
		"create":     {users, "POST", "/api/collections/notes/records", `{"t":"revoked"}`, 400},
		"update":     {users, "PATCH", "/api/collections/notes/records/noteaaaaaaaaaaa", `{"t":"revoked"}`, 404},
		"delete":     {users, "DELETE", "/api/collections/notes/records/noteaaaaaaaaaaa", ``, 404},
		"batch":      {users, "POST", "/api/batch", `{"requests":[{"method":"POST","url":"/api/collections/notes/records","body":{"t":"revoked"}}]}`, 400},
		"superuser":  {supers, "PATCH", "/api/collections/notes/records/noteaaaaaaaaaaa", `{"t":"revoked"}`, 403},
		"truncate":   {supers, "DELETE", "/api/collections/notes/truncate", ``, 403},
		"settings":   {supers, "PATCH", "/api/settings", `{"meta":{"appName":"revoked"}}`, 403},
		"collection": {supers, "POST", "/api/collections", `{"name":"revoked","type":"base"}`, 403},
		"definition": {supers, "PATCH", "/api/collections/notes", `{"listRule":""}`, 403},
		"removal":    {supers, "DELETE", "/api/collections/notes", ``, 403},
		"import":     {supers, "PUT", "/api/collections/import", `{"collections":[{"name":"revoked","type":"base"}]}`, 403},
		"console":    {supers, "POST", "/api/sql", `{"query":"DELETE FROM notes"}`, 403},
	}
	for name, k := range kinds {
		t.Run(name, func(t *testing.T) {
			callers := new(identified)
			g := newRigWith(t, nil, callers.options())
			g.allowBatches()
			ownersOnly(g)
			g.superuser()
			token := g.token(k.of, "gone@x.test")
			r, err := g.app.Records.FindFirst(t.Context(), k.of, find("email", "gone@x.test"))
			if err != nil {
				t.Fatal(err)
			}
			before := callers.passed.Load()
			answered := make(chan int, 1)
			err = g.app.Records.RunInTransaction(t.Context(), func(ctx context.Context) error {
				if err := g.app.Records.Delete(ctx, r); err != nil {
					return err
				}
				go func() {
					status, _, _ := g.raw(k.method, k.path, k.body, http.Header{"Authorization": {token}, "Content-Type": {"application/json"}})
					answered <- status
				}()
				eventually(t, "the request has passed the layers", func() bool { return callers.passed.Load() > before })
				for range 10 { // what it still has to do until it waits for the Writer takes less than these
					g.send("GET", "/api/health", "")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if status := <-answered; status != k.want {
				t.Errorf("answered %d, want %d", status, k.want)
			}
			untouched(g, name)
			if g.app.Settings.Current().Meta.AppName == "revoked" || g.app.Catalogue.Current().Find("revoked") != nil {
				t.Error("settings or collections were changed")
			}
		})
	}
}

// TestRevokedWhileHooksRun: hooks can take long, and the caller's token may end meanwhile, or by what they do themselves.
func TestRevokedWhileHooksRun(t *testing.T) {
	var g *rig
	revoke := func(e *writes.RecordRequestEvent) error {
		r, err := g.app.Records.FindFirst(context.Background(), "users", find("email", "gone@x.test"))
		if err == nil {
			err = g.app.Records.Delete(context.Background(), r)
		}
		if err != nil {
			return err
		}
		return e.Next()
	}
	g = newRig(t, func(a *app.App) {
		a.Hooks.OnRecordCreateRequest("notes").BindFunc(revoke)
		a.Hooks.OnRecordUpdateRequest("notes").BindFunc(revoke)
		a.Hooks.OnRecordDeleteRequest("notes").BindFunc(revoke)
	})
	ownersOnly(g)
	for _, k := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/api/collections/notes/records", `{"t":"revoked"}`, 400},
		{"PATCH", "/api/collections/notes/records/noteaaaaaaaaaaa", `{"t":"revoked"}`, 404},
		{"DELETE", "/api/collections/notes/records/noteaaaaaaaaaaa", ``, 404},
	} {
		token := g.token("users", "gone@x.test")
		if status, out := g.sendAs(token, k.method, k.path, k.body); status != k.want {
			t.Errorf("%s: %d %v, want %d", k.method, status, out, k.want)
		}
		untouched(g, k.method)
	}
}

// TestBatchOfWhoEndsTheirToken: the parts of a batch are one request. That the first changes the caller's password, and with
// it their token, ends nothing for the second; the next request is another matter.
func TestBatchOfWhoEndsTheirToken(t *testing.T) {
	for _, hooked := range []bool{false, true} {
		g := newRig(t, func(a *app.App) {
			if hooked {
				a.Hooks.OnRecordCreateRequest("notes").BindFunc(func(e *writes.RecordRequestEvent) error { return e.Next() })
			}
		})
		g.allowBatches()
		_, err := g.app.Settings.Save(t.Context(), func(s *settings.Settings) error { s.Batch.Timeout = 60; return nil })
		if err != nil { // passwords take seconds under the race detector
			t.Fatal(err)
		}
		ownersOnly(g)
		token := g.token("users", "a@x.test")
		r, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "a@x.test"))
		if err != nil {
			t.Fatal(err)
		}
		own := fmt.Sprintf(`{"method":"PATCH","url":"/api/collections/users/records/%s","body":{"oldPassword":"a-password-1234","password":"another-1234","passwordConfirm":"another-1234"}}`, r.ID())
		body := `{"requests":[` + own + `,{"method":"POST","url":"/api/collections/notes/records","body":{"t":"second"}}]}`
		status, _, raw := g.raw("POST", "/api/batch", body, map[string][]string{"Authorization": {token}, "Content-Type": {"application/json"}})
		if status != 200 || !strings.Contains(string(raw), "a@x.test") {
			t.Errorf("hooked %v: %d %s", hooked, status, raw)
		}
		if status, out := g.sendAs(token, "POST", "/api/collections/notes/records", `{"t":"third"}`); status != 400 {
			t.Errorf("hooked %v, the next request: %d %v", hooked, status, out)
		}
	}
}

// TestRevokedCallerOfGuest: in the name of its caller an extension may do what the caller may at that moment.
func TestRevokedCallerOfGuest(t *testing.T) {
	g := newGuests(t, "probe")
	ownersOnly(g.rig)
	token := g.token("users", "gone@x.test")
	r, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "gone@x.test"))
	if err != nil {
		t.Fatal(err)
	}
	got := g.ask(token, "find|0|notes|noteaaaaaaaaaaa|t", "delete|1|users|"+r.ID(), "find|0|notes|noteaaaaaaaaaaa|t", `list|0|notes|{}`,
		`create|0|notes|{"t":"revoked"}|t`, `update|0|notes|noteaaaaaaaaaaa|{"t":"revoked"}|t`, "delete|0|notes|noteaaaaaaaaaaa")
	want := []string{`find="first"`, "delete=ok", "find=NOT_FOUND ", "list=[]", "create=FORBIDDEN ", "update=NOT_FOUND ", "delete=NOT_FOUND "}
	for i := range want {
		if i >= len(got) || !strings.HasPrefix(got[i], want[i]) {
			t.Fatalf("%q, want %q", got, want)
		}
	}
	untouched(g.rig, "guest")
}

// TestRevokedWhileProviderAnswers: who is signed in has a provider linked to their record, unless their token ended while the
// provider was asked.
func TestRevokedWhileProviderAnswers(t *testing.T) {
	p := newIDP(t)
	g := newRig(t, nil)
	p.members(g, "")
	owner, token := g.member("owner@x.test")
	p.asked = func() {
		owner.Set("password", "changed-by-owner")
		if err := g.app.Records.Save(context.Background(), owner); err != nil {
			t.Error(err)
		}
	}
	status, out := g.signIn(token, "oidc", "thief thief@x.test", "")
	record, _ := out["record"].(map[string]any)
	if status != 200 || record["id"] == owner.ID() {
		t.Errorf("signed in as %v: %d %v", record["id"], status, out)
	}
	links, err := g.app.Records.FindAll(t.Context(), "_externalAuths", programs.Find{Filter: "recordRef = {:id}", Params: map[string]any{"id": owner.ID()}})
	if err != nil || len(links) != 0 {
		t.Errorf("links of the owner: %v %v", links, err)
	}
}
