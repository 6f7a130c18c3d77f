package records_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records"
)

// code is user code around a record.
type code = func(v *records.Shown, inner func() error) error

type shownTest struct {
	name, collection, caller, context string
	code                              code
	has, lacks                        string
}

func shownTests(t *testing.T) []shownTest {
	before := func(f func(v *records.Shown)) code {
		return func(v *records.Shown, inner func() error) error { f(v); return inner() }
	}
	after := func(f func(v *records.Shown)) code {
		return func(v *records.Shown, inner func() error) error { err := inner(); f(v); return err }
	}
	set := func(name string, value any) func(v *records.Shown) {
		return func(v *records.Shown) {
			if err := v.Set(name, value); err != nil {
				t.Errorf("set %s: %v", name, err)
			}
		}
	}
	return []shownTest{
		{"hide before", "posts", "guest", "default", before(func(v *records.Shown) { v.Hide("title", "nothing") }), `"n":1.5`, `"title"`},
		{"hide after", "posts", "guest", "default", after(func(v *records.Shown) { v.Hide("title", "n") }), `"ok":true`, `"title"`},
		{"hide before for superusers", "posts", "superuser", "default", before(func(v *records.Shown) { v.Hide("title") }), `"title":`, `none`},
		{"hide after for superusers", "posts", "superuser", "default", after(func(v *records.Shown) { v.Hide("title") }), `"hidden":"h"`, `"title"`},
		{"hide before in messages", "posts", "superuser", "realtime", before(func(v *records.Shown) { v.Hide("title") }), `"hidden":"h"`, `"title"`},
		{"hide after in messages", "posts", "superuser", "realtime", after(func(v *records.Shown) { v.Hide("title") }), `"hidden":"h"`, `"title"`},
		{"hide the id", "posts", "guest", "default", after(func(v *records.Shown) { v.Hide("id") }), `"title"`, `"id":`},
		{"show a hidden field", "posts", "guest", "default", before(func(v *records.Shown) { v.Show("hidden") }), `"hidden":"h"`, `"team"`},
		{"show after hide", "posts", "guest", "default", after(func(v *records.Shown) { v.Hide("n"); v.Show("n") }), `"n":1.5`, `none`},
		{"a value", "posts", "guest", "default", before(set("title", "new")), `"title":"new"`, `Of <`},
		{"a value is cast", "posts", "guest", "default", after(set("n", "2.5")), `"n":2.5`, `"n":"`},
		{"a value of the record", "posts", "guest", "default", after(func(v *records.Shown) { v.Record().Set("title", "new") }), `"title":"new"`, `Of <`},
		{"a key", "posts", "guest", "default", after(set("zero", map[string]any{"a": "<b>"})), `,"zero":{"a":"\u003cb\u003e"}}`, `none`},
		{"a key is sorted", "posts", "guest", "default", before(set("c", 1)), `"by":"annannannannann","c":1,"collectionId"`, `none`},
		{"a key at the beginning", "posts", "guest", "default", before(set("_", nil)), `{"_":null,"at":`, `none`},
		{"a key twice", "posts", "guest", "default", before(func(v *records.Shown) { set("zz", 1)(v); set("zz", 2)(v) }), `,"zz":2}`, `"zz":1`},
		{"a key taken away", "posts", "guest", "default", before(func(v *records.Shown) { set("zz", 1)(v); v.Hide("zz") }), `"title"`, `"zz"`},
		{"a key with quotes", "posts", "guest", "default", before(set(`x"y`, 1)), `"x\"y":1}`, `none`},
		{"skipping the server's part", "posts", "superuser", "default", func(*records.Shown, func() error) error { return nil }, `"title"`, `"hidden"`},
		{"secrets", "members", "superuser", "default", after(func(v *records.Shown) { v.Show("password", "tokenKey"); set("tokenKey", "t")(v) }), `"email":`, `tokenKey`},
		{"email of others", "members", "guest", "default", nil, `"name"`, `@x.test`},
		{"own email", "members", "self", "default", nil, `managed@x.test`, `none`},
		{"own email without the server's part", "members", "self", "default", func(*records.Shown, func() error) error { return nil }, `"name"`, `@x.test`},
		{"own email hidden before", "members", "self", "default", before(func(v *records.Shown) { v.Hide("email") }), `"name"`, `@x.test`},
		{"managed email", "members", "manager", "default", nil, `managed@x.test`, `none`},
		{"email shown", "members", "guest", "default", before(func(v *records.Shown) { v.Show("email") }), `managed@x.test`, `none`},
		{"email shown, then hidden", "members", "superuser", "default", after(func(v *records.Shown) { v.Show("email"); v.Hide("email") }), `"name"`, `@x.test`},
		{"another id sees no more", "members", "self", "default", before(set("id", bossID)), `managed@x.test`, `none`},
	}
}

func TestShown(t *testing.T) {
	g := worldRig(t)
	e := g.enrich("posts", "members")
	for _, tt := range shownTests(t) {
		t.Run(tt.name, func(t *testing.T) {
			e.f = func(_ context.Context, v *records.Shown, caller *records.Caller, inner func() error) error {
				if caller.Request.Context != tt.context {
					t.Errorf("context %q", caller.Request.Context)
				}
				if tt.code == nil {
					return inner()
				}
				return tt.code(v, inner)
			}
			caller := g.callers()[tt.caller]
			caller.Request.Context = tt.context
			c := g.catalogue.Load().Find(tt.collection)
			r := g.load(tt.collection, annID)
			view, err := g.store.View(t.Context(), nil, &records.ViewInput{CollectionID: c.ID, ID: annID, Caller: caller})
			if err != nil {
				t.Fatal(err)
			}
			answer, err := g.store.Answer(t.Context(), nil, r, &records.AnswerInput{Caller: caller})
			if err != nil {
				t.Fatal(err)
			}
			list, _, err := g.store.List(t.Context(), nil, &records.ListInput{CollectionID: c.ID, Caller: caller, Page: 1, PerPage: 1, Filter: "id = '" + annID + "'"})
			if err != nil {
				t.Fatal(err)
			}
			if string(view) != string(answer) || string(list) != `{"items":[`+string(view)+`],"page":1,"perPage":1,"totalItems":1,"totalPages":1}` {
				t.Errorf("view   %s\nanswer %s\nlist   %s", view, answer, list)
			}
			decoded[map[string]any](t, view)
			if !strings.Contains(string(view), tt.has) || strings.Contains(string(view), tt.lacks) {
				t.Errorf("got %s, want %s and not %s", view, tt.has, tt.lacks)
			}
			if tt.name != "email shown" && fmt.Sprint(r.Values) != fmt.Sprint(g.load(tt.collection, annID).Values) {
				t.Errorf("the record itself was changed")
			}
		})
	}
}

func TestShownRefuses(t *testing.T) {
	g := worldRig(t)
	e := g.enrich("posts")
	e.f = func(_ context.Context, v *records.Shown, _ *records.Caller, inner func() error) error {
		refusals(t, v)
		return inner()
	}
	if _, err := g.store.View(t.Context(), nil, &records.ViewInput{CollectionID: g.catalogue.Load().Find("posts").ID, ID: annID, Caller: g.callers()["guest"]}); err != nil {
		t.Fatal(err)
	}
	if e.calls != 1 {
		t.Errorf("%d calls", e.calls)
	}
}

func refusals(t *testing.T, v *records.Shown) {
	for _, name := range []string{"expand", "collectionId", "collectionName"} {
		if v.Set(name, 1) == nil {
			t.Errorf("%s can be set", name)
		}
	}
	if v.Set("x", func() {}) == nil {
		t.Error("a function is shown")
	}
	for i := range records.MaxCustomKeys {
		if err := v.Set(fmt.Sprint("k", i), i); err != nil {
			t.Error(err)
		}
	}
	if v.Set("more", 1) == nil || v.Set("k1", 2) != nil {
		t.Error("keys are not bounded")
	}
}

// TestExpandKeepsItsPlace: whatever is shown or hidden around it.
func TestExpandKeepsItsPlace(t *testing.T) {
	n := newNodes(t, `INSERT INTO nodes (id, next) VALUES ('A', 'B')`, `INSERT INTO nodes (id) VALUES ('B')`)
	e := &enricher{names: map[string]bool{"nodes": true}}
	s := n.store(records.Options{Enricher: e})
	for _, tt := range []struct {
		hide, set, want string
	}{
		{"", "", `{"collectionId":"nodes","collectionName":"nodes","expand":{"next":{"collectionId":"nodes","collectionName":"nodes","id":"B","kids":[],"n":"","next":""}},"id":"A","kids":[],"n":"","next":"B"}`},
		{"id n next kids", "", `{"collectionId":"nodes","collectionName":"nodes","expand":{"next":{"collectionId":"nodes","collectionName":"nodes"}}}`},
		{"n kids", "a ex exp expand2 f", `{"a":1,"collectionId":"nodes","collectionName":"nodes","ex":1,"exp":1,"expand":{"next":{"a":1,"collectionId":"nodes","collectionName":"nodes","ex":1,"exp":1,"expand2":1,"f":1,"id":"B","next":""}},"expand2":1,"f":1,"id":"A","next":"B"}`},
	} {
		e.f = func(_ context.Context, v *records.Shown, _ *records.Caller, inner func() error) error {
			v.Hide(strings.Fields(tt.hide)...)
			for _, name := range strings.Fields(tt.set) {
				if err := v.Set(name, 1); err != nil {
					return err
				}
			}
			return inner()
		}
		out, err := s.View(t.Context(), nil, &records.ViewInput{CollectionID: "nodes", ID: "A", Caller: anyone(false), Expand: "next"})
		if err != nil {
			t.Fatal(err)
		}
		if string(out) != tt.want {
			t.Errorf("got  %s\nwant %s", out, tt.want)
		}
	}
}
