package records_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// findRig has ten things, every second of which is open.
func findRig(t testing.TB) *rig {
	g := newRig(t, `{"type":"base","name":"things","listRule":"open = true","viewRule":"open = true && name != 't2'","fields":[{"type":"text","name":"name"},
		{"type":"number","name":"n"},{"type":"bool","name":"open"},{"type":"date","name":"day"},{"type":"text","name":"hidden","hidden":true}]}`,
		`{"type":"base","name":"closed","fields":[{"type":"text","name":"name"}]}`,
		`{"type":"view","name":"names","listRule":"","viewRule":"","viewQuery":"SELECT id, name, n FROM things"}`)
	for i := range 10 {
		g.create("things", map[string]any{"name": fmt.Sprint("t", i), "n": i, "open": i%2 == 0, "day": fmt.Sprintf("2024-01-%02d", i+1), "hidden": fmt.Sprint("h", i)})
	}
	return g
}

func namesOf(list []*records.Record) string {
	var names []string
	for _, r := range list {
		names = append(names, strings.TrimPrefix(r.Text("name"), "t"))
	}
	return strings.Join(names, " ")
}

type findTest struct {
	name  string
	in    records.FindInput
	names string
	count int
	err   error
}

func findTests(guest records.Caller) []findTest {
	return []findTest{
		{"all", records.FindInput{Sort: "name"}, "0 1 2 3 4 5 6 7 8 9", 10, nil},
		{"a text", records.FindInput{Filter: "name = {:x}", Params: map[string]any{"x": "t3"}}, "3", 1, nil},
		{"a pattern", records.FindInput{Filter: "name ~ {:x}", Params: map[string]any{"x": "3"}}, "3", 1, nil},
		{"an empty text", records.FindInput{Filter: "name = {:x}", Params: map[string]any{"x": ""}}, "", 0, nil},
		{"null", records.FindInput{Filter: "name != {:x}", Params: map[string]any{"x": nil}, Sort: "name", Limit: 2}, "0 1", 10, nil},
		{"a number", records.FindInput{Filter: "n > {:x} && n < {:y}", Params: map[string]any{"x": 3, "y": 5.5}, Sort: "n"}, "4 5", 2, nil},
		{"a JSON number", records.FindInput{Filter: "n = {:x}", Params: map[string]any{"x": json.Number("7")}}, "7", 1, nil},
		{"the same twice", records.FindInput{Filter: "n = {:x} || (n = {:x} + 1 || name = {:x})", Params: map[string]any{"x": 1}}, "", 0, records.ErrQuery},
		{"in brackets", records.FindInput{Filter: "(n = {:x} || (name = {:y} && n > {:x}))", Params: map[string]any{"x": 1, "y": "t8"}, Sort: "-n"}, "8 1", 2, nil},
		{"a bool", records.FindInput{Filter: "open = {:x}", Params: map[string]any{"x": false}, Sort: "n"}, "1 3 5 7 9", 5, nil},
		{"a time", records.FindInput{Filter: "day >= {:x}", Params: map[string]any{"x": time.Date(2024, 1, 9, 1, 0, 0, 0, time.FixedZone("", 3600))}, Sort: "n"}, "8 9", 2, nil},
		{"on the left", records.FindInput{Filter: "{:x} = name", Params: map[string]any{"x": "t3"}}, "3", 1, nil},
		{"in quotes it is text", records.FindInput{Filter: "name = '{:x}'"}, "", 0, nil},
		{"limit and offset", records.FindInput{Sort: "-n", Limit: 3, Offset: 2}, "7 6 5", 10, nil},
		{"hidden field", records.FindInput{Filter: "hidden = {:x}", Params: map[string]any{"x": "h4"}}, "4", 1, nil},
		{"list rule", records.FindInput{Sort: "n", Caller: &guest}, "0 2 4 6 8", 5, nil},
		{"list rule and filter", records.FindInput{Filter: "n > {:x} || n = 1", Params: map[string]any{"x": 5}, Sort: "n", Caller: &guest}, "6 8", 2, nil},
		{"hidden field of a client", records.FindInput{Filter: "hidden = 'h4'", Caller: &guest}, "", 0, records.ErrQuery},
		{"@collection of a client", records.FindInput{Filter: "@collection.closed.name = 'x'", Caller: &guest}, "", 0, filter.ErrCollectionFilter},
		{"null list rule", records.FindInput{CollectionID: "closed", Caller: &guest}, "", 0, records.ErrForbidden},
		{"null list rule for a program", records.FindInput{CollectionID: "closed"}, "", 0, nil},
		{"a view", records.FindInput{CollectionID: "names", Filter: "n = {:x}", Params: map[string]any{"x": 2}}, "2", 1, nil},
		{"no collection", records.FindInput{CollectionID: "none"}, "", 0, records.ErrNoCollection},
		{"no value", records.FindInput{Filter: "name = {:x} && n = {:y}", Params: map[string]any{"x": "t3"}}, "", 0, records.ErrQuery},
		{"a list", records.FindInput{Filter: "name = {:x}", Params: map[string]any{"x": []string{"t3"}}}, "", 0, records.ErrQuery},
		{"no number", records.FindInput{Filter: "n = {:x}", Params: map[string]any{"x": math.Inf(1)}}, "", 0, records.ErrQuery},
		{"bad name", records.FindInput{Filter: "name = {:x y}"}, "", 0, records.ErrQuery},
		{"unfinished", records.FindInput{Filter: "name = {:x"}, "", 0, records.ErrQuery},
		{"a filter that is none", records.FindInput{Filter: "name ="}, "", 0, records.ErrQuery},
	}
}

func TestFind(t *testing.T) {
	g := findRig(t)
	for _, tt := range findTests(anyone(false)) {
		t.Run(tt.name, func(t *testing.T) {
			in := tt.in
			if in.CollectionID == "" {
				in.CollectionID = "things"
			}
			if c := g.catalogue.Load().Find(in.CollectionID); c != nil {
				in.CollectionID = c.ID
			}
			check := func(p records.Preparer) {
				t.Helper()
				list, err := g.store.FindAll(t.Context(), p, &in)
				if got := namesOf(list); got != tt.names || !errors.Is(err, tt.err) {
					t.Errorf("found %q, %v; want %q, %v", got, err, tt.names, tt.err)
				}
				n, err := g.store.Count(t.Context(), p, &in)
				if n != tt.count || !errors.Is(err, tt.err) {
					t.Errorf("counted %d, %v; want %d, %v", n, err, tt.count, tt.err)
				}
			}
			check(nil)
			err := g.db.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error { check(tx); return nil }))
			if err != nil {
				t.Error(err)
			}
		})
	}
	if _, err := filter.Parse("name = {:x}"); err == nil {
		t.Error("clients can use parameters")
	}
}

// TestFindSeesTheTransaction: a search in it finds what it wrote, others do not.
func TestFindSeesTheTransaction(t *testing.T) {
	g := findRig(t)
	in := &records.FindInput{CollectionID: g.catalogue.Load().Find("things").ID, Filter: "n = {:n}", Params: map[string]any{"n": 99}}
	id := ""
	err := g.db.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		tx.Touch("things")
		if err := tx.Exec("UPDATE things SET n = 99 WHERE name = 't3'"); err != nil {
			return err
		}
		list, err := g.store.FindAll(t.Context(), tx, in)
		if err != nil {
			return err
		}
		if namesOf(list) != "3" {
			t.Errorf("found %q in the transaction", namesOf(list))
		}
		id = list[0].ID()
		if r, err := g.store.FindByID(t.Context(), tx, in.CollectionID, id, nil); err != nil || r.Get("n") != 99.0 {
			t.Errorf("by id: %v, %v", r, err)
		}
		list, err = g.store.FindAll(t.Context(), nil, in)
		if len(list) != 0 {
			t.Errorf("found %q outside", namesOf(list))
		}
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

func TestFindByID(t *testing.T) {
	g := findRig(t)
	things := g.catalogue.Load().Find("things").ID
	guest := anyone(false)
	super := anyone(true)
	for _, tt := range []struct {
		id     int
		caller *records.Caller
		err    error
	}{
		{0, nil, nil}, {1, nil, nil}, {0, &guest, nil}, {1, &guest, records.ErrNotFound}, {2, &guest, records.ErrNotFound}, {1, &super, nil}, {10, nil, records.ErrNotFound},
	} {
		id := "none"
		if list, err := g.store.FindAll(t.Context(), nil, &records.FindInput{CollectionID: things, Filter: "n = {:n}", Params: map[string]any{"n": tt.id}}); err != nil {
			t.Fatal(err)
		} else if len(list) > 0 {
			id = list[0].ID()
		}
		r, err := g.store.FindByID(t.Context(), nil, things, id, tt.caller)
		if !errors.Is(err, tt.err) || err == nil && (r.ID() != id || r.Text("hidden") != fmt.Sprint("h", tt.id)) {
			t.Errorf("%d for %v: %v, %v, want %v", tt.id, tt.caller, r, err, tt.err)
		}
	}
	if _, err := g.store.FindByID(t.Context(), nil, g.catalogue.Load().Find("closed").ID, "x", &guest); !errors.Is(err, records.ErrForbidden) {
		t.Errorf("null view rule: %v", err)
	}
	if _, err := g.store.FindByID(t.Context(), nil, "none", "x", nil); !errors.Is(err, records.ErrNoCollection) {
		t.Errorf("no collection: %v", err)
	}
}

// TestParametersShareAPlan: values do not fill the cache of compiled queries, but whether they are empty is part of it.
func TestParametersShareAPlan(t *testing.T) {
	g := findRig(t)
	in := &records.FindInput{CollectionID: g.catalogue.Load().Find("things").ID, Filter: "name = {:x} || n = {:y}"}
	for i := range 200 {
		in.Params = map[string]any{"x": fmt.Sprint(i), "y": i}
		if _, err := g.store.FindAll(t.Context(), nil, in); err != nil {
			t.Fatal(err)
		}
	}
	if n := g.store.PlansKept(); n > 2 {
		t.Errorf("%d plans", n)
	}
	g.exec("UPDATE things SET name = '' WHERE name = 't9'")
	in.Params = map[string]any{"x": "", "y": -1}
	if list, err := g.store.FindAll(t.Context(), nil, in); err != nil || len(list) != 1 {
		t.Errorf("an empty value finds %d records, %v", len(list), err)
	}
}

// nasty are values that mean something to the filter language, to SQL or to LIKE.
var nasty = []string{"'", `"`, `\`, `\'`, `\"`, `\\`, `' || '1'='1`, `" || name != "`, `x' || id != '`, "a || b", "// comment", "a\n// b\nc", "{:x}", "{:y}",
	"%", "_", "@request.auth.id", "@now", "null", "true", "1", "1.0", "-1", "(", ")", "((", "x)--", "; DROP TABLE things;", "é", "\x00", "a\x00b", " ", "\t", "\r\n",
	"?", "?1", ":x", "$x", "%s", "%[1]s", "[", "{", "}", "`", "0x10", "1e3"}

// FuzzPlaceholder: whatever a value is, it finds exactly the record that has it, and nothing else.
func FuzzPlaceholder(f *testing.F) {
	for _, v := range nasty {
		f.Add(v)
	}
	for b := range 128 {
		f.Add(string(rune(b)))
		f.Add("a" + string(rune(b)) + "'b")
	}
	g := newRig(f, `{"type":"base","name":"things","listRule":"name != 'never'","fields":[{"type":"text","name":"name"},{"type":"text","name":"other"}]}`)
	things := g.catalogue.Load().Find("things").ID
	for i, v := range nasty {
		g.exec("INSERT INTO things (id, name, other) VALUES (?, ?, 'o')", fmt.Sprintf("%015d", i), v)
	}
	guest := anyone(false)
	known := make(map[string]bool)
	for _, v := range nasty {
		known[v] = true
	}
	f.Fuzz(func(t *testing.T, v string) {
		if v == "" || v == "never" {
			t.Skip()
		}
		if !known[v] {
			err := g.db.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
				tx.Touch("things")
				return tx.Exec("INSERT OR REPLACE INTO things (id, name, other) VALUES ('x', ?, 'o')", v)
			}))
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, caller := range []*records.Caller{nil, &guest} {
			for _, text := range []string{"name = {:v}", "other = 'o' && (name = {:v})", "{:v} = name && other != {:w}"} {
				list, err := g.store.FindAll(t.Context(), nil, &records.FindInput{CollectionID: things, Filter: text, Params: map[string]any{"v": v, "w": v + "w"}, Caller: caller})
				if err != nil || len(list) != 1 || list[0].Text("name") != v {
					t.Errorf("%q with %q: %d records, %v", text, v, len(list), err)
				}
			}
		}
	})
}
