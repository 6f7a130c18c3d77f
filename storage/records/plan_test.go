package records_test

import (
	"slices"
	"testing"

	"github.com/troupebase/troupe/storage/records"
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
	page := func(p records.Plan) string { return p.Page }
	caller := g.input("posts", nil).Caller
	caller.Superuser = false
	for _, tt := range []struct {
		name         string
		kind         byte
		filter, sort string
		statement    func(p records.Plan) string
		want         []string
	}{
		{"filter and sort without an index", records.AskList, "n > 10 && title ~ 'tit'", "-created", page,
			[]string{"SCAN posts", "USE TEMP B-TREE FOR ORDER BY"}},
		{"no sort", records.AskList, "", "", page, []string{"SCAN posts"}},
		{"sort by id", records.AskList, "", "-id", page, []string{"SCAN posts USING INDEX sqlite_autoindex_posts_1"}},
		{"sort by an index", records.AskList, "", "-rank", page, []string{"SCAN posts USING INDEX idx_rank"}},
		{"one record", records.AskOne, "", "", page, []string{"SEARCH posts USING INDEX sqlite_autoindex_posts_1 (id=?)"}},
		{"records of an expand", records.AskByID, "", "", page,
			[]string{"SCAN _troupe_ids VIRTUAL TABLE INDEX 1:", "SEARCH posts USING INDEX sqlite_autoindex_posts_1 (id=?)"}},
		{"total that is carried on", records.AskList, "rank > 10", "", func(p records.Plan) string { return p.Growth }, []string{
			"SEARCH posts USING INTEGER PRIMARY KEY (rowid>?)",
			"SCALAR SUBQUERY 1", "SCAN main.sqlite_schema", "SCALAR SUBQUERY 2", "SEARCH main.posts", "SCALAR SUBQUERY 3",
			"SEARCH main._troupe_commits USING INTEGER PRIMARY KEY (rowid=?)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := g.store.PlanOf(tt.kind, "posts", tt.filter, tt.sort, caller)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.explain(tt.statement(p)); !slices.Equal(got, tt.want) {
				t.Errorf("plan of %s\n  is %q\nwant %q", tt.statement(p), got, tt.want)
			}
		})
	}
}
