package guests_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// collections: what everybody may see and make, what nobody may, and a relation from the first to the second.
const collections = `[
	{"id": "closed", "name": "closed", "type": "base", "fields": [{"name": "text", "type": "text"}]},
	{"id": "safes", "name": "safes", "type": "base", "fields": [{"name": "pin", "type": "password"}]},
	{"id": "things", "name": "things", "type": "base", "listRule": "", "viewRule": "", "createRule": "", "fields": [
		{"name": "text", "type": "text"}, {"name": "to", "type": "relation", "collectionId": "closed"}]}]`

func open(t testing.TB) *app.App {
	t.Helper()
	a, err := app.Open(t.Context(), app.Options{Dir: filepath.Join(t.TempDir(), "data")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := a.Catalogue.Import(t.Context(), []byte(collections), false); err != nil {
		t.Fatal(err)
	}
	return a
}

func permits(names ...string) func(string) bool {
	return func(name string) bool {
		for _, n := range names {
			if n == name {
				return true
			}
		}
		return false
	}
}

// as is a context of a request of somebody.
func as(ctx context.Context, superuser bool) context.Context {
	return writes.WithRequest(ctx, &writes.RequestInfo{Caller: records.Caller{
		Request: &filter.Request{Context: "default", Method: "GET"}, Superuser: superuser,
	}})
}

// TestAccess: in a caller's name the rules decide, in its own and in a superuser's the permissions of the code do, also where a filter
// leads on.
// accessRig is a server with a record in an open collection, which leads to one in a closed collection.
type accessRig struct {
	access        *guests.Access
	thing, hidden *records.Record
	// own may see both collections, narrow and caller the open one: caller under the rules of whoever the request is from.
	own, narrow, caller guests.Scope
}

func openAccess(t *testing.T) *accessRig {
	t.Helper()
	g := &accessRig{
		access: open(t).Guests.Access(),
		own:    guests.Scope{Name: "x", Permits: permits("things", "closed")},
		narrow: guests.Scope{Name: "x", Permits: permits("things")},
		caller: guests.Scope{Name: "x", AsCaller: true, Permits: permits("things")},
	}
	var err error
	if g.hidden, err = g.access.Create(t.Context(), g.own, "closed", map[string]any{"text": "hidden"}); err != nil {
		t.Fatal(err)
	}
	if g.thing, err = g.access.Create(t.Context(), g.own, "things", map[string]any{"text": "thing", "to": g.hidden.ID()}); err != nil {
		t.Fatal(err)
	}
	return g
}

// accessCase is a call of a guest and the error that it gets.
type accessCase struct {
	name string
	do   func() error
	is   error
}

func check(t *testing.T, cases []accessCase) {
	t.Helper()
	for _, tt := range cases {
		if err := tt.do(); !errors.Is(err, tt.is) || tt.is == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.is)
		}
	}
}

func TestReadAccess(t *testing.T) {
	g, ctx := openAccess(t), t.Context()
	own, narrow, caller, thing, hidden := g.own, g.narrow, g.caller, g.thing, g.hidden
	guest, root := as(ctx, false), as(ctx, true)
	find := func(ctx context.Context, s guests.Scope, collection, id string) func() error {
		return func() error { _, err := g.access.Find(ctx, s, collection, id); return err }
	}
	list := func(ctx context.Context, s guests.Scope, collection, where string) func() error {
		return func() error {
			_, err := g.access.List(ctx, s, collection, guests.Query{Filter: where, Limit: 10})
			return err
		}
	}
	check(t, []accessCase{
		{"own name", find(ctx, own, "closed", hidden.ID()), nil},
		{"own name, by id", find(ctx, own, hidden.Collection.ID, hidden.ID()), nil},
		{"own name without the permission", find(ctx, narrow, "closed", hidden.ID()), guests.ErrNotPermitted},
		{"own name without any", find(ctx, guests.Scope{}, "things", thing.ID()), guests.ErrNotPermitted},
		{"no such collection", find(ctx, own, "nothing", thing.ID()), records.ErrNoCollection},
		{"no such record", find(ctx, own, "things", "nothing"), records.ErrNotFound},
		{"a guest, open", find(guest, caller, "things", thing.ID()), nil},
		{"nobody, open", find(ctx, caller, "things", thing.ID()), nil},
		{"a guest, closed", find(guest, caller, "closed", hidden.ID()), records.ErrForbidden},
		{"a superuser, permitted", find(root, caller, "things", thing.ID()), nil},
		{"a superuser, not permitted", find(root, caller, "closed", hidden.ID()), guests.ErrNotPermitted},
		{"a guest, of the system", list(guest, caller, "_otps", ""), guests.ErrNotPermitted},
		{"a filter that leads on, permitted", list(ctx, own, "things", "to.text = 'hidden'"), nil},
		{"a filter that leads on", list(ctx, narrow, "things", "to.text = 'hidden'"), records.ErrForbidden},
		{"a superuser's filter that leads on", list(root, caller, "things", "to.text = 'hidden'"), records.ErrForbidden},
		{"a guest's filter that leads on", list(guest, caller, "things", "to.text = 'hidden'"), records.ErrQuery},
	})
}

func TestWriteAccess(t *testing.T) {
	g, ctx := openAccess(t), t.Context()
	access, narrow, caller, thing, hidden := g.access, g.narrow, g.caller, g.thing, g.hidden
	guest := as(ctx, false)
	check(t, []accessCase{
		{"a guest creates", func() error {
			_, err := access.Create(guest, caller, "things", map[string]any{"text": "b"})
			return err
		}, nil},
		{"a guest updates", func() error {
			_, err := access.Update(guest, caller, "things", thing.ID(), map[string]any{"text": "c"})
			return err
		}, records.ErrForbidden},
		{"a guest deletes", func() error { return access.Delete(guest, caller, "things", thing.ID()) }, records.ErrForbidden},
		{"own name updates", func() error {
			_, err := access.Update(ctx, narrow, "things", thing.ID(), map[string]any{"text": "c"})
			return err
		}, nil},
		{"own name deletes", func() error { return access.Delete(ctx, narrow, "things", thing.ID()) }, nil},
		{"own name deletes what it may not", func() error { return access.Delete(ctx, narrow, "closed", hidden.ID()) }, guests.ErrNotPermitted},
	})
}

// TestAccessToCredentials: who can sign in is decided by code with the permission only, in whatever way it writes.
func TestAccessToCredentials(t *testing.T) {
	a, ctx := open(t), t.Context()
	access := a.Guests.Access()
	plain := guests.Scope{Name: "x", Permits: permits("users")}
	trusted := plain
	trusted.Credentials = true
	user, err := access.Create(ctx, trusted, "users", map[string]any{"email": "a@example.com", "password": "12345678", "passwordConfirm": "12345678"})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"password", "email", "verified", "+email", "verified ", "email:lower"} {
		body := map[string]any{key: "b@example.com"}
		if _, err := access.Update(ctx, plain, "users", user.ID(), body); !errors.Is(err, guests.ErrCredential) {
			t.Errorf("update of %q: %v", key, err)
		}
		if _, err := access.Create(ctx, plain, "users", body); !errors.Is(err, guests.ErrCredential) {
			t.Errorf("create with %q: %v", key, err)
		}
	}
	if _, err := access.Update(ctx, plain, "users", user.ID(), map[string]any{"name": "Ann"}); err != nil {
		t.Errorf("update of another field: %v", err)
	}
	if _, err := access.Update(ctx, trusted, "users", user.ID(), map[string]any{"verified": true}); err != nil {
		t.Errorf("update with the permission: %v", err)
	}
	for _, tt := range []struct {
		scope guests.Scope
		sql   string
		is    error
	}{
		{plain, "SELECT email FROM users", nil},
		{plain, "SELECT password FROM users", sqlite.ErrDenied},
		{trusted, "SELECT tokenKey FROM users", sqlite.ErrDenied},
		{trusted, "SELECT pin FROM safes", sqlite.ErrDenied},
		{plain, "UPDATE users SET name = 'Eve'", nil},
		{plain, "UPDATE users SET verified = 0", sqlite.ErrDenied},
		{trusted, "UPDATE users SET verified = 0", nil},
	} {
		_, err := access.SQL(ctx, tt.scope, &sqlite.Query{SQL: tt.sql, MaxRows: 10})
		var own *guests.StatementError
		if tt.is == nil && err != nil || tt.is != nil && (!errors.Is(err, tt.is) || !errors.As(err, &own)) {
			t.Errorf("%s: %v, want %v", tt.sql, err, tt.is)
		}
	}
}

// TestAccessInATransaction: what code reads and writes with the context of a transaction belongs to it.
func TestAccessInATransaction(t *testing.T) {
	a, ctx := open(t), t.Context()
	access, own := a.Guests.Access(), guests.Scope{Name: "x", Permits: permits("things")}
	no := errors.New("no")
	count := func(ctx context.Context) int {
		out, err := access.SQL(ctx, own, &sqlite.Query{SQL: "SELECT id FROM things", MaxRows: 10})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Rows)
	}
	err := a.Records.RunInTransaction(ctx, func(ctx context.Context) error {
		if _, err := access.Create(ctx, own, "things", map[string]any{"text": "a"}); err != nil {
			return err
		}
		if _, err := access.SQL(ctx, own, &sqlite.Query{SQL: "INSERT INTO things (id, text) VALUES ('bbbbbbbbbbbbbbb', 'b')", MaxRows: 1}); err != nil {
			return err
		}
		list, err := access.List(ctx, own, "things", guests.Query{Limit: 10})
		if err != nil {
			return err
		}
		if n := count(ctx); n != 2 || len(list) != 2 {
			t.Errorf("inside there are %d and %d", n, len(list))
		}
		return no
	})
	if !errors.Is(err, no) {
		t.Fatal(err)
	}
	if n := count(ctx); n != 0 {
		t.Errorf("afterwards there are %d", n)
	}
}
