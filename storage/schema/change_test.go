package schema_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

func (h *host) create(body string) *schema.Collection {
	h.t.Helper()
	c, err := schema.DecodeNew([]byte(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.change(func(ch *schema.Change) error { return ch.Create(c) }); err != nil {
		h.t.Fatal(err)
	}
	return c
}

func (h *host) update(name, body string) error {
	h.t.Helper()
	stored := schema.NewCatalogue(1, h.list).Find(name)
	c := stored.Clone()
	if err := c.Decode([]byte(body)); err != nil {
		h.t.Fatal(err)
	}
	return h.change(func(ch *schema.Change) error { return ch.Update(stored.ID, c) })
}

func (h *host) exec(query string) {
	h.t.Helper()
	err := h.write(func(conn *zsqlite.Conn) error { return sqlitex.ExecuteTransient(conn, query, nil) })
	if err != nil {
		h.t.Fatal(err)
	}
}

// rows returns the first column of a query.
func (h *host) rows(query string) []string {
	h.t.Helper()
	var list []string
	err := h.write(func(conn *zsqlite.Conn) error {
		return sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *zsqlite.Stmt) error {
			list = append(list, stmt.ColumnText(0))
			return nil
		}})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return list
}

func TestFieldsSwapNames(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"t","fields":[{"type":"text","name":"a","id":"fa"},{"type":"text","name":"b","id":"fb"},{"type":"text","name":"c","id":"fc"}]}`)
	h.exec("INSERT INTO t (id, a, b, c) VALUES ('1', 'A', 'B', 'C')")
	err := h.update("t", `{"fields":[{"type":"text","name":"b","id":"fa"},{"type":"text","name":"c","id":"fb"},{"type":"text","name":"a","id":"fc"}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.rows("SELECT a || b || c FROM t"); !slices.Equal(got, []string{"CAB"}) {
		t.Errorf("got %v", got)
	}
	if err := h.update("t", `{"fields":[{"type":"text","name":"B","id":"fa"}]}`); err != nil {
		t.Fatal(err)
	}
	if got := h.rows("SELECT name FROM pragma_table_info('t') ORDER BY name"); !slices.Equal(got, []string{"B", "id"}) {
		t.Errorf("columns %v", got)
	}
}

func TestConvertValues(t *testing.T) {
	h := newHost(t)
	single := `{"fields":[{"type":"select","name":"a","id":"fa","values":["x"]},{"type":"select","name":"b","id":"fb","values":["x","y"],"maxSelect":2}]}`
	h.create(`{"name":"t",` + single[1:])
	for i, v := range []string{"''", "'x'", `'["x","y"]'`, "'5'", `'{"a":1}'`} {
		h.exec("INSERT INTO t (id, a) VALUES ('a" + string(rune('0'+i)) + "', " + v + ")")
	}
	// The two fields swap their names on the way.
	err := h.update("t", `{"fields":[{"type":"select","name":"b","id":"fa","values":["x","y"],"maxSelect":2},{"type":"select","name":"a","id":"fb","values":["x"]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"[]", `["x"]`, `["x","y"]`, `["5"]`, `["{\"a\":1}"]`}
	if got := h.rows("SELECT b FROM t ORDER BY id"); !slices.Equal(got, want) {
		t.Errorf("to many: got %q, want %q", got, want)
	}
	h.exec(`INSERT INTO t (id, b) VALUES ('a5', '["x",{"k":[1]}]'), ('a6', 'plain'), ('a7', '[null]')`)
	if err := h.update("t", single); err != nil {
		t.Fatal(err)
	}
	want = []string{"", "x", "y", "5", `{"a":1}`, `{"k":[1]}`, "plain", ""}
	if got := h.rows("SELECT a FROM t ORDER BY id"); !slices.Equal(got, want) {
		t.Errorf("to one: got %q, want %q", got, want)
	}
}

func TestFailedChangeLeavesNothing(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"t","fields":[{"type":"text","name":"a","id":"fa"}]}`)
	before := h.rows("SELECT sql FROM sqlite_master ORDER BY name")
	err := h.update("t", `{"fields":[{"type":"text","name":"z","id":"fa"}],"indexes":["create index i1 on t (nope)","create index i2 on t (z)","create index i3 on t (no)"]}`)
	var errs validation.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("got %v", err)
	}
	indexes, _ := errs["indexes"].(validation.Errors)
	if len(indexes) != 2 || indexes["0"] == nil || indexes["2"] == nil {
		t.Errorf("got %v", errs)
	}
	if after := h.rows("SELECT sql FROM sqlite_master ORDER BY name"); !slices.Equal(before, after) {
		t.Errorf("the schema changed:\n%q\n%q", before, after)
	}
}

// TestChangeRunsTwice: the transaction of a change may have to be run again from its beginning.
func TestChangeRunsTwice(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"a","type":"auth"}`)
	if err := h.update("a", `{"name":"b"}`); err != nil {
		t.Fatal(err)
	}
	undo := errors.New("undo")
	for _, body := range []string{
		`{"name":"a","type":"auth","fields":[{"type":"text","name":"x"},{"type":"text","name":"y"}],"indexes":["create index ix on z (x)"]}`,
		`{"name":"v","type":"view","viewQuery":"select id, email from b"}`,
	} {
		c, err := schema.DecodeNew([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		var first string
		err = h.change(func(ch *schema.Change) error {
			if err := ch.Create(c); err != nil {
				return err
			}
			first = c.Row().Fields + c.Row().Indexes + c.ID
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		if err := h.change(func(ch *schema.Change) error { return ch.Create(c) }); err != nil {
			t.Fatal(err)
		}
		second := c.Row().Fields + c.Row().Indexes + c.ID
		if !strings.Contains(body, "view") && first != second {
			t.Errorf("first\n%s\nthen\n%s", first, second)
		}
	}
}

func TestReservedTableName(t *testing.T) {
	h := newHost(t)
	c, err := schema.DecodeNew([]byte(`{"name":"sqlite_x"}`))
	if err != nil {
		t.Fatal(err)
	}
	var raw *schema.RawError
	if err := h.change(func(ch *schema.Change) error { return ch.Create(c) }); !errors.As(err, &raw) {
		t.Errorf("got %v", err)
	}
}

func TestDeleteIsRefused(t *testing.T) {
	h := newHost(t)
	target := h.create(`{"name":"target"}`)
	h.create(`{"name":"ref","fields":[{"type":"relation","name":"r","collectionId":"` + target.ID + `"}]}`)
	other := h.create(`{"name":"other"}`)
	h.create(`{"name":"mixed","fields":[{"type":"relation","name":"r","collectionIds":["` + target.ID + `","` + other.ID + `"]}]}`)
	seen := h.create(`{"name":"seen"}`)
	h.create(`{"name":"v","type":"view","viewQuery":"select id from seen"}`)
	remove := func(id string) error {
		return h.change(func(ch *schema.Change) error { return ch.Delete(id) })
	}
	var ref *schema.ReferencedError
	if err := remove(target.ID); !errors.As(err, &ref) || !slices.Equal(ref.Names, []string{"ref", "mixed"}) {
		t.Errorf("referenced: got %v", err)
	}
	if err := remove(other.ID); !errors.As(err, &ref) || !slices.Equal(ref.Names, []string{"mixed"}) {
		t.Errorf("referenced among others: got %v", err)
	}
	if err := remove(seen.ID); !errors.Is(err, schema.ErrViewNeeds) {
		t.Errorf("needed by a view: got %v", err)
	}
	if err := remove("pbc_3142635823"); !errors.Is(err, schema.ErrSystem) {
		t.Errorf("system: got %v", err)
	}
	if err := remove("nope"); !errors.Is(err, schema.ErrNotFound) {
		t.Errorf("unknown: got %v", err)
	}
}

func TestDeleteAuthCollectionTakesItsRows(t *testing.T) {
	h := newHost(t)
	for _, table := range schema.AuthRefTables() {
		h.exec("INSERT INTO " + table + " (collectionRef, recordRef) VALUES ('_pb_users_auth_', 'a'), ('other', 'a')")
	}
	if err := h.change(func(ch *schema.Change) error { return ch.Delete("_pb_users_auth_") }); err != nil {
		t.Fatal(err)
	}
	for _, table := range schema.AuthRefTables() {
		if got := h.rows("SELECT collectionRef FROM " + table); !slices.Equal(got, []string{"other"}) {
			t.Errorf("%s: %v", table, got)
		}
	}
}

func TestViewsFollow(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"t","fields":[{"type":"text","name":"a","id":"fa"}]}`)
	h.create(`{"name":"v1","type":"view","viewQuery":"select id, a as x from t"}`)
	h.create(`{"name":"v2","type":"view","viewQuery":"select id, x as y from v1"}`)
	if err := h.update("t", `{"fields":[{"type":"text","name":"a","id":"fa","max":7}]}`); err != nil {
		t.Fatal(err)
	}
	cat := schema.NewCatalogue(1, h.list)
	for view, field := range map[string]string{"v1": "x", "v2": "y"} {
		if f, _ := cat.Find(view).Field(field).(*schema.TextField); f == nil || f.Max != 7 {
			t.Errorf("%s did not follow: %+v", view, f)
		}
	}
}

// TestStaleViewWarns: a view whose query is stale must not stop what made it so.
func TestStaleViewWarns(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"t"}`)
	h.create(`{"name":"v","type":"view","viewQuery":"select id from t"}`)
	if err := h.update("t", `{"name":"t2"}`); err != nil {
		t.Fatal(err)
	}
	var warnings []error
	stored := schema.NewCatalogue(1, h.list).Find("t2")
	err := h.change(func(ch *schema.Change) error {
		err := ch.Update(stored.ID, stored.Clone())
		warnings = ch.Warnings
		return err
	})
	if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0].Error(), "view v") {
		t.Errorf("error %v, warnings %v", err, warnings)
	}
	if got := h.rows("SELECT count(*) FROM v"); !slices.Equal(got, []string{"0"}) {
		t.Errorf("the view does not answer: %v", got)
	}
}

func TestSecretRotates(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"a","type":"auth"}`)
	secret := func() string { return schema.NewCatalogue(1, h.list).Find("a").Auth.AuthToken.Secret }
	first := secret()
	if err := h.update("a", `{"name":"a2"}`); err != nil {
		t.Fatal(err)
	}
	h.list = slices.Clone(h.list)
	if err := h.update("a2", `{"name":"a","authRule":null}`); err != nil || secret() != first {
		t.Fatalf("null and the empty rule are the same text: %v", err)
	}
	sent := strings.Repeat("x", 40)
	if err := h.update("a", `{"authRule":"verified = true","authToken":{"secret":"`+sent+`"}}`); err != nil {
		t.Fatal(err)
	}
	if got := secret(); got == first || got == sent || len(got) != 50 {
		t.Errorf("secret %q", got)
	}
}

func TestTryViewStoresNothing(t *testing.T) {
	h := newHost(t)
	before := h.rows("SELECT name FROM sqlite_master")
	err := h.write(func(conn *zsqlite.Conn) error {
		dry, err := schema.TryView(conn, "select (1) as id, email as e from users;", h.list)
		if err != nil {
			return err
		}
		if len(dry.Collection.Fields) != 2 || dry.Collection.Fields[1].Type() != "email" {
			t.Errorf("fields %s", dry.Collection.AppendAPI(nil))
		}
		return sqlitex.ExecuteTransient(conn, "SELECT id, e FROM "+dry.From, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := h.rows("SELECT name FROM sqlite_master"); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
	for _, query := range []string{"", "select 1", "delete from users", "select 1 as id; drop table users", "select 1 as id) union select (2", "select 1 as id); drop table users; select (1", "select '", "/*", "--", "(((("} {
		err := h.write(func(conn *zsqlite.Conn) error {
			_, err := schema.TryView(conn, query, h.list)
			return err
		})
		if err == nil {
			t.Errorf("%q was accepted", query)
		}
	}
}

func FuzzViewQuery(f *testing.F) {
	for _, seed := range []string{
		"select id, title as t from base1", "with x as (select 1 as id) select distinct id from x -- c", "select a.id, count(b.id) c from users a left outer join users b on a.id = b.id",
		"select /* , */ 'x' as id union all select [a] from `b` cross join c, d where 1", "select cast(a as int) i, \"q\"", "/*/", "'",
	} {
		f.Add(seed)
	}
	conn, err := zsqlite.OpenConn(":memory:")
	if err != nil {
		f.Fatal(err)
	}
	defer conn.Close()
	if err := sqlitex.ExecuteScript(conn, "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT); PRAGMA query_only = 1", nil); err != nil {
		f.Fatal(err)
	}
	list := schema.DefaultCollections()
	f.Fuzz(func(t *testing.T, query string) {
		if strings.Contains(strings.ToLower(query), "recursive") || len(query) > 200 {
			return // can run for ever, which is what the deadline of a reader is for
		}
		fields, err := schema.DeriveView(conn, query, list)
		if err == nil && len(fields) == 0 {
			t.Fatal("no error and no fields")
		}
	})
}

// A partial index may have brackets in its WHERE, and lives through other changes.
func TestPartialIndexWithBrackets(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"p","type":"base","fields":[{"name":"a","type":"text"},{"name":"b","type":"text"}],"indexes":["CREATE UNIQUE INDEX ix ON p (a) WHERE lower(b) = 'x' AND (a != '')"]}`)
	sql := func() string { return strings.Join(h.rows("SELECT sql FROM sqlite_master WHERE name = 'ix'"), "") }
	if got := sql(); got != "CREATE UNIQUE INDEX `ix` ON `p` (`a`) WHERE lower(b) = 'x' AND (a != '')" {
		t.Errorf("the index is %s", got)
	}
	if err := h.update("p", `{"name":"q","fields":[{"name":"a","type":"text"},{"name":"b","type":"text"},{"name":"c","type":"text"}]}`); err != nil {
		t.Fatal(err)
	}
	if got := sql(); !strings.Contains(got, "ON `q` (`a`) WHERE lower(b) = 'x' AND (a != '')") {
		t.Errorf("after a change the index is %s", got)
	}
}

// An index that is stored and cannot be understood is no reason to refuse another change, and stays; a new one like it is
// refused.
func TestStoredIndexThatIsNotUnderstood(t *testing.T) {
	h := newHost(t)
	h.create(`{"name":"p","type":"base","fields":[{"name":"a","type":"text"}]}`)
	const odd = "CREATE INDEX [od d] ON p (a)"
	h.exec(odd)
	stored := schema.NewCatalogue(1, h.list).Find("p")
	stored.Indexes = append(stored.Indexes, odd)
	if err := h.update("p", `{"name":"q","listRule":""}`); err != nil {
		t.Fatal(err)
	}
	if err := h.update("q", `{"fields":[{"name":"a","type":"text"},{"name":"b","type":"text"}]}`); err != nil {
		t.Fatal(err)
	}
	if got := h.rows("SELECT tbl_name FROM sqlite_master WHERE name = 'od d'"); !slices.Equal(got, []string{"q"}) {
		t.Errorf("the index is there for %v", got)
	}
	var errs validation.Errors
	if err := h.update("q", `{"indexes":["CREATE INDEX [od d] ON p (a)","CREATE INDEX [new one] ON q (a)"]}`); !errors.As(err, &errs) {
		t.Errorf("another one: %v", err)
	}
}
