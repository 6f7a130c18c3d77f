package records_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// definitionsPage is a page of definitions as clients read it.
type definitionsPage struct {
	Items []struct {
		ID, Name, Type string
		Fields         []struct{ Name string }
	}
	Page, PerPage, TotalItems, TotalPages int
}

func (p *definitionsPage) names() string {
	var names []string
	for _, c := range p.Items {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

func (g *rig) definitions(in records.ListInput) (*definitionsPage, error) {
	in.Caller = g.input("users", nil).Caller
	out, err := g.store.ListCollections(g.t.Context(), []byte("head"), &in)
	if !strings.HasPrefix(string(out), "head") || err != nil && string(out) != "head" {
		g.t.Errorf("the buffer became %.100s", out)
	}
	if err != nil {
		return nil, err
	}
	page := new(definitionsPage)
	if err := json.Unmarshal(out[len("head"):], page); err != nil {
		g.t.Fatalf("%s: %v", out, err)
	}
	return page, nil
}

func TestListCollections(t *testing.T) {
	g := newRig(t, `{"type":"base","name":"zebras","fields":[{"type":"text","name":"stripes"}]}`, `{"type":"base","name":"ants","fields":[]}`,
		`{"type":"view","name":"seen","viewQuery":"SELECT id FROM ants"}`)
	all := len(g.catalogue.Load().Collections)
	for _, tt := range []struct {
		name  string
		in    records.ListInput
		names string
		total int
		err   error
	}{
		{"by name", records.ListInput{Page: 1, PerPage: 30, Filter: "system = false", Sort: "name"}, "ants seen users zebras", 4, nil},
		{"backwards", records.ListInput{Page: 1, PerPage: 2, Filter: "system = false", Sort: "-name"}, "zebras users", 4, nil},
		{"second page", records.ListInput{Page: 2, PerPage: 3, Filter: "system = false", Sort: "name"}, "zebras", 4, nil},
		{"as they were made", records.ListInput{Page: 1, PerPage: 30, Filter: "system = false"}, "users zebras ants seen", 4, nil},
		{"of a type", records.ListInput{Page: 1, PerPage: 30, Filter: "type = 'view'"}, "seen", 1, nil},
		{"without total", records.ListInput{Page: 1, PerPage: 1, SkipTotal: true, Filter: "name = 'ants'"}, "ants", -1, nil},
		{"none", records.ListInput{Page: 1, PerPage: 30, Filter: "name = 'nobody'"}, "", 0, nil},
		{"beyond the last page", records.ListInput{Page: 1 << 40, PerPage: 1 << 30}, "", all, nil},
		{"unknown field", records.ListInput{Page: 1, PerPage: 30, Filter: "nobody = 1"}, "", 0, records.ErrQuery},
		{"unknown sort", records.ListInput{Page: 1, PerPage: 30, Sort: "nobody"}, "", 0, records.ErrQuery},
		{"no filter at all", records.ListInput{Page: 1, PerPage: 30, Filter: "name ="}, "", 0, records.ErrQuery},
		{"too long", records.ListInput{Page: 1, PerPage: 30, Filter: "name = '" + strings.Repeat("x", filter.MaxClientFilter) + "'"}, "", 0, records.ErrQuery},
	} {
		t.Run(tt.name, func(t *testing.T) {
			page, err := g.definitions(tt.in)
			if !errors.Is(err, tt.err) {
				t.Fatalf("error %v, want %v", err, tt.err)
			}
			if err != nil {
				return
			}
			if got := page.names(); got != tt.names || page.TotalItems != tt.total || page.Page != tt.in.Page || page.PerPage != tt.in.PerPage {
				t.Errorf("got %q of %+v, want %q of %d", got, page, tt.names, tt.total)
			}
		})
	}
	page, err := g.definitions(records.ListInput{Page: 1, PerPage: 1, Filter: "name = 'zebras'"})
	if err != nil {
		t.Fatal(err)
	}
	if c := page.Items[0]; c.ID != g.catalogue.Load().Find("zebras").ID || c.Type != "base" || len(c.Fields) != 2 || c.Fields[1].Name != "stripes" {
		t.Errorf("zebras are shown as %+v", c)
	}
}

// What a view would make is shown without being stored.
func TestTryView(t *testing.T) {
	g := newRig(t, `{"type":"base","name":"things","fields":[{"type":"text","name":"name"},{"type":"number","name":"n"},{"type":"text","name":"secret","hidden":true}]}`)
	for i := range records.ViewSample + 3 {
		g.create("things", map[string]any{"name": "t", "n": float64(i), "secret": "s"})
	}
	g.create("users", map[string]any{"email": "a@x.test", "password": "12345678", "passwordConfirm": "12345678"})
	for _, tt := range []struct {
		name, query, fields string
		rows                int
		holds               []string
	}{
		{"columns", "SELECT id, name, n FROM things", "id name n", records.ViewSample, []string{`"name":"t"`, `"n":3`}},
		{"an expression", "SELECT (ROW_NUMBER() OVER ()) AS id, COUNT(*) AS many FROM things", "id many", 1, []string{`"id":"1"`, `"many":13`}},
		{"nothing found", "SELECT id FROM things WHERE n > 100", "id", 0, nil},
		{"a semicolon", "SELECT id, email FROM users;", "id email", 1, []string{`"email":"a@x.test"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := g.store.TryView(t.Context(), []byte("head"), tt.query)
			if err != nil {
				t.Fatal(err)
			}
			var dry struct {
				Fields []struct{ Name string }
				Sample []map[string]any
			}
			if err := json.Unmarshal(out[len("head"):], &dry); err != nil {
				t.Fatalf("%s: %v", out, err)
			}
			var names []string
			for _, f := range dry.Fields {
				names = append(names, f.Name)
			}
			if strings.Join(names, " ") != tt.fields || len(dry.Sample) != tt.rows {
				t.Errorf("%d rows of %v, want %d of %s", len(dry.Sample), names, tt.rows, tt.fields)
			}
			for _, text := range tt.holds {
				if !strings.Contains(string(out), text) {
					t.Errorf("%s does not hold %s", out, text)
				}
			}
		})
	}
	for name, query := range map[string]string{
		"no select": "DELETE FROM things", "no table": "SELECT id FROM nobody", "no id": "SELECT name FROM things", "two statements": "SELECT id FROM things; DROP TABLE things",
		"nothing": "", "no column": "SELECT id, nobody FROM things",
	} {
		if out, err := g.store.TryView(t.Context(), []byte("head"), query); err == nil || string(out) != "head" {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
	if n := g.totalOf("things"); n != records.ViewSample+3 {
		t.Errorf("%d things are left", n)
	}
	if slices.ContainsFunc(g.tables(), func(name string) bool { return strings.HasPrefix(name, "temp_view_") }) {
		t.Errorf("a view was left behind: %v", g.tables())
	}
}

// tables are the names of all tables and views.
func (g *rig) tables() (names []string) {
	g.t.Helper()
	err := g.db.Read(g.t.Context(), func(r *sqlite.Reader) error {
		names = nil
		stmt, err := r.Prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
		for err == nil {
			var more bool
			if more, err = stmt.Step(); err != nil || !more {
				break
			}
			names = append(names, stmt.ColumnText(0))
		}
		return err
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return names
}
