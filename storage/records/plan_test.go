package records

import (
	"slices"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/sqlite"
)

// explain returns how SQLite would run a statement, one step a line.
func (g *rig) explain(sql string) (steps []string) {
	g.t.Helper()
	err := g.db.Read(g.t.Context(), func(r *sqlite.Reader) error {
		stmt, err := r.Prepare("EXPLAIN QUERY PLAN " + sql)
		for more := err == nil; more; {
			if more, err = stmt.Step(); more {
				steps = append(steps, stmt.ColumnText(3))
			}
		}
		return err
	})
	if err != nil {
		g.t.Fatalf("explain %s: %v", sql, err)
	}
	return steps
}

// What a page takes is done inside SQLite: the scan, the filter, the sort that keeps no more rows than the page has. Go is
// given the page.
func TestQueryPlans(t *testing.T) {
	g := newRig(t, `{"type":"base","name":"posts","listRule":"","viewRule":"","fields":[{"type":"text","name":"title"},{"type":"number","name":"n"},
		{"type":"number","name":"rank"},{"type":"autodate","name":"created","onCreate":true}],"indexes":["CREATE INDEX idx_rank ON posts (rank)"]}`)
	cat := g.catalogue.Load()
	c := cat.Find("posts")
	page := func(p *plan) string { return p.sql }
	for _, tt := range []struct {
		name         string
		kind         byte
		filter, sort string
		statement    func(p *plan) string
		want         []string
	}{
		{"filter and sort without an index", askList, "n > 10 && title ~ 'tit'", "-created", page,
			[]string{"SCAN posts", "USE TEMP B-TREE FOR ORDER BY"}},
		{"no sort", askList, "", "", page, []string{"SCAN posts"}},
		{"sort by id", askList, "", "-id", page, []string{"SCAN posts USING INDEX sqlite_autoindex_posts_1"}},
		{"sort by an index", askList, "", "-rank", page, []string{"SCAN posts USING INDEX idx_rank"}},
		{"one record", askOne, "", "", page, []string{"SEARCH posts USING INDEX sqlite_autoindex_posts_1 (id=?)"}},
		{"records of an expand", askByID, "", "", page,
			[]string{"SCAN _troupe_ids VIRTUAL TABLE INDEX 1:", "SEARCH posts USING INDEX sqlite_autoindex_posts_1 (id=?)"}},
		{"total that is carried on", askList, "rank > 10", "", func(p *plan) string { return p.growth }, []string{
			"SEARCH posts USING INTEGER PRIMARY KEY (rowid>?)",
			"SCALAR SUBQUERY 1", "SCAN main.sqlite_schema", "SCALAR SUBQUERY 2", "SEARCH main.posts", "SCALAR SUBQUERY 3",
			"SEARCH main._troupe_commits USING INTEGER PRIMARY KEY (rowid=?)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := &ask{kind: tt.kind, c: c, sort: tt.sort, trust: filter.Client}
			var err error
			if a.filter, err = g.store.parse(tt.filter); err != nil {
				t.Fatal(err)
			}
			p, err := g.store.plan(cat, a, g.input("posts", nil).Caller.Request)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.explain(tt.statement(p)); !slices.Equal(got, tt.want) {
				t.Errorf("plan of %s\n  is %q\nwant %q", tt.statement(p), got, tt.want)
			}
		})
	}
}
