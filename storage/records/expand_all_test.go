package records_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// nodes is a database with one collection whose records name one another.
type nodes struct {
	db        *sqlite.DB
	catalogue *schema.Catalogue
}

// newNodes has the rows that statements put into it.
func newNodes(t *testing.T, statements ...string) *nodes {
	t.Helper()
	c, err := schema.DecodeNew([]byte(`{"id":"nodes","name":"nodes","type":"base","listRule":"","viewRule":"n != 'secret' && @request.context != 'other'","fields":[
		{"name":"id","type":"text","primaryKey":true},{"name":"n","type":"text"},
		{"name":"next","type":"relation","collectionId":"nodes","maxSelect":1},
		{"name":"kids","type":"relation","collectionId":"nodes","maxSelect":99},
		{"name":"hid","type":"relation","collectionId":"nodes","maxSelect":1,"hidden":true}]}`))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "data.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	create := "CREATE TABLE nodes (id TEXT PRIMARY KEY, n TEXT DEFAULT '', next TEXT DEFAULT '', kids TEXT DEFAULT '[]', hid TEXT DEFAULT '')"
	for _, sql := range append([]string{create}, statements...) {
		err := db.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Exec(sql) }))
		if err != nil {
			t.Fatal(err)
		}
	}
	return &nodes{db, schema.NewCatalogue(1, []*schema.Collection{c})}
}

func (n *nodes) store(o records.Options) *records.Store {
	return records.NewStore(n.db, func() *schema.Catalogue { return n.catalogue }, o)
}

// nodesStore expands the relations of every answer.
func nodesStore(t *testing.T, statements ...string) *records.Store {
	t.Helper()
	return newNodes(t, statements...).store(records.Options{ExpandAll: true})
}

func anyone(superuser bool) records.Caller {
	return records.Caller{Request: &filter.Request{Context: "default", Method: "GET"}, Superuser: superuser}
}

// show views a record and leaves its name and the steps below it.
func show(t *testing.T, s *records.Store, id, expand string, superuser bool) string {
	t.Helper()
	out, err := s.View(t.Context(), nil, &records.ViewInput{CollectionID: "nodes", ID: id, Caller: anyone(superuser), Expand: expand})
	if err != nil {
		t.Fatal(err)
	}
	return brief(string(out))
}

func brief(s string) string {
	return strings.NewReplacer(`"collectionId":"nodes","collectionName":"nodes",`, "", `"`, "", ",next:,", ",", ",kids:[],", ",").Replace(s)
}

func TestExpandAll(t *testing.T) {
	s := nodesStore(t,
		`INSERT INTO nodes (id, next) VALUES ('a', 'b')`,
		`INSERT INTO nodes (id, next) VALUES ('b', 'a')`,
		`INSERT INTO nodes (id, next) VALUES ('c', 'gone')`,
		`INSERT INTO nodes (id, next) VALUES ('d', 's')`,
		`INSERT INTO nodes (id, n) VALUES ('s', 'secret')`,
		`INSERT INTO nodes (id, hid) VALUES ('h', 'c')`)
	for _, tt := range []struct {
		name, id, expand string
		superuser        bool
		has, lacks       string
	}{
		{"met first", "a", "", false, "expand:{next:{expand:{next:{id:a,", "expand:{next:{expand:{next:{expand"},
		{"explicit path kept", "a", "next.next.next", false, "expand:{next:{expand:{next:{expand:{next:{id:b", "expand:{next:{expand:{next:{expand:{next:{expand"},
		{"missing record", "c", "", false, "{expand:{},id:c", "gone:"},
		{"view rule", "d", "", false, "{expand:{},id:d", "secret"},
		{"view rule of superusers", "d", "", true, "expand:{next:{expand:{},", "none"},
		{"hidden field", "h", "", false, "{expand:{},id:h", "id:c"},
		{"hidden field for superusers", "h", "", true, "expand:{hid:{expand:{},hid:,id:c", "none"},
		{"empty back relation", "c", "nodes_via_next", false, "{expand:{},id:c", "via"},
		{"back relation is not followed", "s", "nodes_via_next", true, "expand:{nodes_via_next:[{hid:,id:d", "expand:{nodes_via_next:[{expand"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := show(t, s, tt.id, tt.expand, tt.superuser)
			if !strings.Contains(got, tt.has) || strings.Contains(got, tt.lacks) {
				t.Errorf("got %s, want %q and not %q", got, tt.has, tt.lacks)
			}
		})
	}
}

func TestExpandAllSharesLevelsOfLists(t *testing.T) {
	s := nodesStore(t,
		`INSERT INTO nodes (id, n, next) VALUES ('a', 'list', 'x')`,
		`INSERT INTO nodes (id, n, next) VALUES ('b', 'list', 'x')`,
		`INSERT INTO nodes (id, next) VALUES ('x', 'a')`)
	out, _, err := s.List(t.Context(), nil, &records.ListInput{CollectionID: "nodes", Caller: anyone(false), Page: 1, PerPage: 30, Filter: "n = 'list'"})
	if err != nil {
		t.Fatal(err)
	}
	got := brief(string(out))
	if n := strings.Count(got, "expand:{next:{expand:{next:{id:a"); n != 2 {
		t.Errorf("x is expanded %d times in %s, want 2", n, got)
	}
	if strings.Contains(got, "expand:{next:{expand:{next:{expand") {
		t.Errorf("a listed record is expanded below another: %s", got)
	}
}

func TestExpandAllOfAnswers(t *testing.T) {
	n := newNodes(t, `INSERT INTO nodes (id, next) VALUES ('a', 'b')`, `INSERT INTO nodes (id) VALUES ('b')`)
	s := n.store(records.Options{ExpandAll: true})
	r, err := s.Load(t.Context(), "nodes", "a")
	if err != nil {
		t.Fatal(err)
	}
	in := &records.AnswerInput{Caller: anyone(false)}
	out, err := s.Answer(t.Context(), nil, r, in)
	if err != nil || !strings.Contains(brief(string(out)), "{expand:{next:{expand:{},id:b") {
		t.Errorf("answer %s, %v", out, err)
	}
	err = n.db.Read(t.Context(), func(reader *sqlite.Reader) error {
		out, err = s.AnswerOn(t.Context(), n.catalogue, reader, nil, r, in)
		return err
	})
	if err != nil || strings.Contains(string(out), "expand") {
		t.Errorf("message %s, %v", out, err)
	}
}

// TestExpandAllIsBounded is law 13: every record of a level names all of the next, so that each level multiplies the
// answer by thirty.
func TestExpandAllIsBounded(t *testing.T) {
	var rows []string
	for level := range 6 {
		var kids []string
		for i := range 30 {
			kids = append(kids, fmt.Sprintf(`"l%dn%d"`, level+1, i))
		}
		rows = append(rows, fmt.Sprintf(`WITH RECURSIVE i(v) AS (SELECT 0 UNION ALL SELECT v+1 FROM i WHERE v < 29)
			INSERT INTO nodes (id, kids) SELECT 'l%dn' || v, '[%s]' FROM i`, level, strings.Join(kids, ",")))
	}
	s := nodesStore(t, rows...)
	got := show(t, s, "l0n0", "", false)
	n := strings.Count(got, ",id:")
	if n > expand.MaxAutoRecords+1 || n < expand.MaxAutoRecords/2 {
		t.Errorf("%d records in the answer, want at most %d and not much less", n, expand.MaxAutoRecords)
	}
}

func TestExpandAllEndsLongChains(t *testing.T) {
	s := nodesStore(t, `WITH RECURSIVE i(v) AS (SELECT 1 UNION ALL SELECT v+1 FROM i WHERE v < 400)
		INSERT INTO nodes (id, next) SELECT 'n' || v, 'n' || (v+1) FROM i`)
	if n := strings.Count(show(t, s, "n1", "", false), "expand:{"); n != expand.MaxAutoLevels {
		t.Errorf("%d levels, want %d", n, expand.MaxAutoLevels)
	}
}
