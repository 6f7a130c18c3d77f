package schema_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/migrations"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// lab is a database for definitions that are tried and undone.
type lab struct {
	db   *sqlite.DB
	list []*schema.Collection
}

var errUndo = errors.New("undo")

func newLab(f *testing.F) *lab {
	f.Helper()
	db, aux := emptyFiles(f)
	l := &lab{db: db}
	err := db.Change(f.Context(), func(tx *sqlite.Tx) (err error) {
		if err := migrations.Bootstrap(tx.Conn(), aux, time.Now()); err != nil {
			return err
		}
		l.list, err = schema.Load(tx.Conn())
		if err != nil {
			return err
		}
		ch := schema.NewChange(f.Context(), tx.Conn(), l.list, time.Now(), filter.Check)
		c, err := schema.DecodeNew([]byte(labPosts))
		if err == nil {
			err = ch.Create(c)
		}
		l.list = ch.Collections()
		return err
	}, nil)
	if err != nil {
		f.Fatal(err)
	}
	return l
}

const labPosts = `{"name":"posts","type":"base","fields":[{"name":"title","type":"text"},{"name":"n","type":"number"},{"name":"tags","type":"select","maxSelect":2,"values":["a","b"]},
	{"name":"owner","type":"relation","collectionId":"_pb_users_auth_"}],"indexes":["CREATE INDEX p_title ON posts (title)"]}`

// try runs fn on a change that is undone.
func (l *lab) try(t *testing.T, fn func(conn *zsqlite.Conn, ch *schema.Change) error) {
	t.Helper()
	err := l.db.Change(t.Context(), func(tx *sqlite.Tx) error {
		ch := schema.NewChange(t.Context(), tx.Conn(), l.list, time.Now(), filter.Check)
		if err := fn(tx.Conn(), ch); err != nil {
			return err
		}
		return errUndo
	}, nil)
	if !errors.Is(err, errUndo) {
		t.Error(err)
	}
}

// refusal fails the test when a definition is refused by SQLite, which is what validation is for.
func refusal(t *testing.T, err error) {
	t.Helper()
	var raw *schema.RawError
	if fields := (validation.Errors{}); errors.As(err, &fields) {
		return
	}
	if errors.Is(err, schema.ErrNotFound) {
		return
	}
	for _, known := range []string{
		"object name reserved for internal use", // a collection whose name begins with sqlite_: clients are to see SQLite's word
		"rowid alias",                           // a field named rowid or oid can be made, and SQLite neither renames nor drops it
	} {
		if strings.Contains(err.Error(), known) {
			return
		}
	}
	if !errors.As(err, &raw) || strings.Contains(err.Error(), "sqlite:") {
		t.Errorf("%T: %v", err, err)
	}
}

// FuzzDefinition holds the promise that a definition that validation accepts is made in SQLite, is stored as it is, and changes
// into another one: names, indexes and rules are made up.
func FuzzDefinition(f *testing.F) {
	kinds := []string{"text", "number", "bool", "email", "url", "editor", "date", "autodate", "select", "json", "file", "relation", "password", "geoPoint"}
	for i, seed := range [][4]string{
		{"a", "t", "create index x on a (t)", "t = 'x'"},
		{"B", "group", "CREATE UNIQUE INDEX IF NOT EXISTS `i` ON `x` (`group` COLLATE NOCASE DESC, lower([group])) WHERE `group` > ''", "@request.auth.id != ''"},
		{"posts", "id", "create index p_title on posts (id)", ""},
		{"_x", "a_b", "create index \"a b\" on _x (json_extract(a_b, '$.x'))", "a_b:length > 1"},
		{"sqlite_x", "rowid", "create index sqlite_i on y (rowid)", "@collection.posts.title ?= id"},
		{"weiß", "select", "create index main.z on weiß (\"select\" asc)", "id in 'x'"},
		{"users", "oid", "create index (", "("},
	} {
		for kind := range kinds {
			f.Add(uint8(kind), uint8(i), seed[0], seed[1], seed[2], seed[3])
		}
	}
	l := newLab(f)
	f.Fuzz(func(t *testing.T, kind, several uint8, name, field, index, rule string) {
		if len(name)+len(field)+len(index)+len(rule) > 1000 {
			return
		}
		definition := func(name, field string, several int) string {
			one := map[string]any{"id": "tried", "name": field, "type": kinds[int(kind)%len(kinds)], "maxSelect": several, "values": []string{"a", "b"}, "collectionId": "_pb_users_auth_", "onCreate": true}
			out, err := json.Marshal(map[string]any{"name": name, "fields": []any{one}, "indexes": []string{index}, "listRule": rule})
			if err != nil {
				t.Fatal(err)
			}
			return string(out)
		}
		l.tryBoth(t, definition(name, field, int(several)%3), definition(field, name, int(several)%3^1))
		l.tryBoth(t, definition(name, field, int(several)%3), definition(name, field+"_", int(several)%3^1))
	})
}

// FuzzDefinitionText is the same with definitions of any text.
func FuzzDefinitionText(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"name":"a","type":"base","fields":[{"name":"t","type":"text","max":5,"pattern":"^a"}],"indexes":["create index x on a (t)"]}`, `{"name":"b"}`},
		{`{"name":"a","fields":[{"name":"s","type":"select","values":["x","y"],"maxSelect":1},{"name":"f","type":"file"}]}`, `{"fields":[{"name":"s","id":"select1","type":"select","values":["x"],"maxSelect":2}]}`},
		{`{"name":"people","type":"auth","listRule":"id = @request.auth.id","passwordAuth":{"identityFields":["email","nick"]},"fields":[{"name":"nick","type":"text"}],"indexes":["CREATE UNIQUE INDEX n ON people (nick)"]}`, `{"name":"folk","authRule":null,"mfa":{"enabled":true}}`},
		{`{"name":"v","type":"view","viewQuery":"select id, title from posts"}`, `{"viewQuery":"select id, n from posts","name":"w"}`},
		{`{"name":"Weiß","fields":[{"name":"select","type":"json"},{"name":"group","type":"geoPoint"},{"name":"a","type":"autodate","onCreate":true},{"name":"d","type":"date"}]}`, `{"indexes":["CREATE UNIQUE INDEX IF NOT EXISTS ` + "`i` ON `x` (`group` COLLATE NOCASE DESC, lower([select])) WHERE d > ''" + `"]}`},
		{`{"id":"x","name":"r","fields":[{"name":"p","type":"relation","collectionId":"x"},{"name":"e","type":"email"},{"name":"b","type":"bool"},{"name":"u","type":"url"},{"name":"ed","type":"editor"},{"name":"pw","type":"password"}]}`, `{"fields":[]}`},
		{`{"name":"posts"}`, `{"name":"POSTS"}`},
	} {
		f.Add(seed[0], seed[1])
	}
	l := newLab(f)
	f.Fuzz(func(t *testing.T, first, second string) {
		if len(first)+len(second) > 4000 || strings.Contains(strings.ToLower(first+second), "recursive") {
			return // a recursive query can run for ever, which is what the deadline of a reader is for
		}
		l.tryBoth(t, first, second)
	})
}

// tryBoth makes a collection of a definition, and lays another one over it.
func (l *lab) tryBoth(t *testing.T, first, second string) {
	t.Helper()
	c, err := schema.DecodeNew([]byte(first))
	if err != nil {
		if !errors.Is(err, schema.ErrData) && !errors.Is(err, schema.ErrTypeData) {
			t.Errorf("%T: %v", err, err)
		}
		return
	}
	l.try(t, func(conn *zsqlite.Conn, ch *schema.Change) error {
		if err := ch.Create(c); err != nil {
			refusal(t, err)
			return nil
		}
		usable(t, conn, c)
		next := c.Clone()
		if next.Decode([]byte(second)) != nil {
			return nil
		}
		if err := ch.Update(c.ID, next); err != nil {
			refusal(t, err)
			return nil
		}
		usable(t, conn, next)
		return nil
	})
}

// usable looks whether a collection that was stored can be read, and was stored as it is in memory.
func usable(t *testing.T, conn *zsqlite.Conn, c *schema.Collection) {
	t.Helper()
	columns := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		columns[i] = "`" + c.Name + "`.`" + f.Base().Name + "`"
	}
	stmt, _, err := conn.PrepareTransient("SELECT " + strings.Join(columns, ", ") + " FROM `" + c.Name + "`")
	if err != nil {
		t.Errorf("%s cannot be read: %v", c.Name, err)
		return
	}
	stmt.Finalize()
	list, err := schema.Load(conn)
	if err != nil {
		t.Errorf("what was stored cannot be loaded: %v", err)
		return
	}
	stored := schema.NewCatalogue(1, list).ByID(c.ID)
	if stored == nil || string(stored.AppendAPI(nil)) != string(c.AppendAPI(nil)) {
		t.Errorf("stored as another one:\n%s", c.AppendAPI(nil))
	}
	if !json.Valid(c.AppendAPI(nil)) {
		t.Errorf("no JSON: %s", c.AppendAPI(nil))
	}
}

// FuzzView holds the promise that a query that the parser accepts becomes a view that SQLite makes and reads.
func FuzzView(f *testing.F) {
	for _, seed := range []string{
		"select id, title as t from posts", "with x as (select 1 as id) select distinct id from x -- c",
		"select a.id, count(b.id) c from users a left outer join posts b on a.id = b.owner group by a.id",
		"select /* , */ 'x' as id union all select [id] from `users` where 1", "select (row_number() over ()) as id, cast(n as int) i, \"q\" from posts",
		"select id, title as `a b` from posts", "select id, p.* from posts p", "select id, n as N, n from posts", "select id, (select 1) from posts order by 1 limit 1",
		"values(1)", "select id,id from posts", "select 1 as id, 'a;b' as t;",
	} {
		f.Add(seed)
	}
	l := newLab(f)
	f.Fuzz(func(t *testing.T, query string) {
		query = strings.ToValidUTF8(query, "\ufffd") // as JSON makes it
		lower := strings.ToLower(query)
		if len(query) > 300 || strings.Contains(lower, "recursive") || strings.Contains(lower, "randomblob") || strings.Contains(lower, "zeroblob") || strings.Contains(lower, "printf") || strings.Contains(lower, "format") {
			return // can run for ever or make values of any size, which is what the deadline of a reader is for
		}
		c := schema.NewCollection(schema.View, "tried")
		c.ViewQuery = query
		l.try(t, func(conn *zsqlite.Conn, ch *schema.Change) error {
			if err := ch.Create(c); err != nil {
				refusal(t, err)
				return nil
			}
			usable(t, conn, c)
			dry, err := schema.TryView(conn, query, l.list)
			if err != nil {
				t.Errorf("is stored and cannot be tried: %v", err)
				return nil
			}
			if err := sqlitex.ExecuteTransient(conn, "SELECT * FROM "+dry.From+" LIMIT 1", nil); err != nil && zsqlite.ErrCode(err) == zsqlite.ResultError {
				t.Logf("reading: %v", err) // the query's own business, as of what values a function takes
			}
			return nil
		})
	})
}
