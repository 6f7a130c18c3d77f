package writes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// saboteur refuses the n-th thing that a statement of the Writer's connection wants to do.
type saboteur struct {
	mu       sync.Mutex
	armed    bool
	seen, at int
	fired    bool
}

// arm makes the n-th step fail.
func (s *saboteur) arm(at int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed, s.seen, s.at, s.fired = true, 0, at, false
}

// disarm tells whether a step failed.
func (s *saboteur) disarm() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	return s.fired
}

// Authorize implements sqlite.Authorizer. It runs on the Writer's goroutine.
func (s *saboteur) Authorize(action zsqlite.Action) zsqlite.AuthResult {
	switch action.Type() {
	case zsqlite.OpRead, zsqlite.OpFunction, zsqlite.OpRecursive:
		return zsqlite.AuthResultOK // a statement that wants this wants something else too
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.armed {
		return zsqlite.AuthResultOK
	}
	if s.seen++; s.seen != s.at {
		return zsqlite.AuthResultOK
	}
	s.fired = true
	return zsqlite.AuthResultDeny
}

// world is a data directory with collections of every kind, with rows, files, and references between them.
type world struct {
	t   *testing.T
	app *app.App
	dir string
	sab *saboteur
}

var worldDefinitions = []string{
	`{"name":"posts","type":"base","listRule":"","fields":[{"name":"title","type":"text","required":true},{"name":"tags","type":"select","maxSelect":3,"values":["a","b","c"]},
		{"name":"kind","type":"select","maxSelect":1,"values":["x","y"]},{"name":"doc","type":"file","maxSelect":2},{"name":"secret","type":"text","hidden":true},{"name":"plain","type":"text"}],
		"indexes":["CREATE UNIQUE INDEX posts_title ON posts (title)","CREATE INDEX posts_kind ON posts (kind)"]}`,
	`{"name":"members","type":"auth","fields":[{"name":"nick","type":"text"}]}`,
	`{"name":"comments","type":"base","fields":[{"name":"text","type":"text"},{"name":"post","type":"relation","collectionId":"POSTS","cascadeDelete":true,"maxSelect":1}]}`,
	`{"name":"titles","type":"view","viewQuery":"select id, title, tags from posts"}`,
	`{"name":"counts","type":"view","viewQuery":"select t.id, t.title, (select count(*) from comments c where c.post = t.id) as n from titles t"}`,
	`{"name":"lonely","type":"base","fields":[{"name":"doc","type":"file"}]}`,
}

// newWorld makes a world in a directory.
func newWorld(t *testing.T, dir string) *world {
	t.Helper()
	w := &world{t: t, dir: dir}
	w.open()
	for _, d := range worldDefinitions {
		if posts := w.app.Catalogue().Find("posts"); posts != nil {
			d = strings.ReplaceAll(d, "POSTS", posts.ID)
		}
		if err := w.change(func(ch *schema.Change) error { return w.create(ch, d) }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		id := fmt.Sprintf("post%011d", i)
		w.insert("posts", map[string]any{"id": id, "title": fmt.Sprint("title ", i), "tags": []string{"a", "b"}[:i%3], "kind": "x", "secret": "s", "plain": "p"}, "doc", "content")
		w.insert("comments", map[string]any{"text": "hm", "post": id}, "")
	}
	w.insert("lonely", nil, "doc", "alone")
	w.insert("members", map[string]any{"email": "a@example.com", "password": "12345678", "passwordConfirm": "12345678"}, "")
	return w
}

func (w *world) open() {
	w.t.Helper()
	a, err := app.Open(w.t.Context(), app.Options{Dir: w.dir, Exclusive: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.app, w.sab = a, new(saboteur)
	w.sabotage()
}

// sabotage puts the saboteur on the Writer's connection, which may be a new one after a COMMIT that failed.
func (w *world) sabotage() {
	w.t.Helper()
	err := w.app.DB().Do(w.t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Conn().SetAuthorizer(w.sab) }))
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) close() {
	w.t.Helper()
	if err := w.app.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) change(change func(ch *schema.Change) error) error {
	return w.app.ChangeSchema(w.t.Context(), change)
}

func (w *world) create(ch *schema.Change, definition string) error {
	c, err := schema.DecodeNew([]byte(definition))
	if err != nil {
		return err
	}
	return ch.Create(c)
}

// update decodes a definition over a stored one. edit may change the list of fields first.
func (w *world) update(ch *schema.Change, name, definition string, edit func(c *schema.Collection)) error {
	c := schema.NewCatalogue(0, ch.Collections()).Find(name).Clone()
	if err := c.Decode([]byte(definition)); err != nil {
		return err
	}
	if edit != nil {
		edit(c)
	}
	return ch.Update(c.ID, c)
}

func (w *world) insert(collection string, body map[string]any, field string, contents ...string) {
	w.t.Helper()
	s := &shelf{t: w.t, app: w.app, col: w.app.Catalogue().Find(collection)}
	in := s.input(body, contents...)
	for _, f := range in.Files {
		f.Key = field
	}
	in.SkipRules = true
	cmd, err := w.app.Store().PrepareCreate(w.t.Context(), in)
	if err == nil {
		err = w.app.Write(w.t.Context(), s.col, cmd, "test")
	}
	if err != nil {
		w.t.Fatalf("insert into %s: %v", collection, err)
	}
}

// dump is everything that a change may touch: tables with their rows, stored files, and what the catalogue answers.
func (w *world) dump() string {
	w.t.Helper()
	var out strings.Builder
	err := w.app.DB().Read(w.t.Context(), func(r *sqlite.Reader) error {
		out.Reset()
		var tables []string
		err := eachRow(r, "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name, type", func(row []string) {
			fmt.Fprintln(&out, row)
			if row[0] == "table" && row[1] != "_troupe_commits" {
				tables = append(tables, row[1])
			}
		})
		for _, table := range tables {
			if err != nil {
				return err
			}
			fmt.Fprintln(&out, "--", table)
			err = eachRow(r, "SELECT * FROM `"+table+"` ORDER BY 1", func(row []string) { fmt.Fprintf(&out, "%q\n", row) })
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	fmt.Fprintln(&out, storedKeys(w.t, w.dir))
	for _, c := range w.app.Catalogue().Collections {
		out.Write(c.AppendAPI(nil))
	}
	return out.String()
}

// eachRow calls fn with the values of each row, marked with their types.
func eachRow(p records.Preparer, query string, fn func(row []string)) error {
	stmt, err := p.Prepare(query)
	if err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	for {
		found, err := stmt.Step()
		if err != nil || !found {
			return err
		}
		row := make([]string, stmt.ColumnCount())
		for i := range row {
			row[i] = stmt.ColumnText(i)
			if stmt.ColumnType(i) == zsqlite.TypeNull {
				row[i] = "NULL"
			}
		}
		fn(row)
	}
}

// worldChanges are the changes that are disturbed.
var worldChanges = []struct {
	name string
	run  func(w *world) error
}{
	{"create base", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return w.create(ch, `{"name":"fresh","type":"base","fields":[{"name":"a","type":"text"},{"name":"b","type":"number"}],"indexes":["CREATE INDEX fresh_a ON fresh (a)","CREATE UNIQUE INDEX fresh_b ON fresh (b)"]}`)
		})
	}},
	{"create auth", func(w *world) error {
		return w.change(func(ch *schema.Change) error { return w.create(ch, `{"name":"people","type":"auth"}`) })
	}},
	{"create view", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return w.create(ch, `{"name":"plainview","type":"view","viewQuery":"select (row_number() over ()) as id, title from posts"}`)
		})
	}},
	{"rename", func(w *world) error {
		return w.change(func(ch *schema.Change) error { return w.update(ch, "posts", `{"name":"articles"}`, nil) })
	}},
	{"rename fields and swap two", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return w.update(ch, "posts", `{}`, func(c *schema.Collection) {
				c.Field("kind").Base().Name = "sort"
				secret, plain := c.Field("secret").Base(), c.Field("plain").Base()
				secret.Name, plain.Name = plain.Name, secret.Name
				c.Indexes[1] = "CREATE INDEX posts_sort ON posts (sort)"
			})
		})
	}},
	{"one value and several", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return w.update(ch, "posts", `{}`, func(c *schema.Collection) {
				c.Field("tags").(*schema.SelectField).MaxSelect = 1
				c.Field("kind").(*schema.SelectField).MaxSelect = 2
				c.Field("doc").(*schema.FileField).MaxSelect = 1
			})
		})
	}},
	{"indexes", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return w.update(ch, "posts", `{"indexes":["CREATE INDEX posts_plain ON posts (plain)","CREATE UNIQUE INDEX posts_title ON posts (title, kind)"]}`, nil)
		})
	}},
	{"remove and add fields", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return w.update(ch, "posts", `{}`, func(c *schema.Collection) {
				for i, f := range c.Fields {
					if f.Base().Name == "doc" {
						c.Fields[i] = &schema.NumberField{Common: schema.Common{Name: "rank"}}
					}
				}
			})
		})
	}},
	{"change view", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return w.update(ch, "titles", `{"viewQuery":"select id, title, kind as tags from posts"}`, nil)
		})
	}},
	{"delete", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return ch.Delete(schema.NewCatalogue(0, ch.Collections()).Find("lonely").ID)
		})
	}},
	{"delete auth", func(w *world) error {
		return w.change(func(ch *schema.Change) error {
			return ch.Delete(schema.NewCatalogue(0, ch.Collections()).Find("members").ID)
		})
	}},
	{"truncate", func(w *world) error {
		c := w.app.Catalogue().Find("posts")
		cmd, err := w.app.Store().PrepareTruncate(c.ID, records.Caller{})
		if err != nil {
			return err
		}
		return w.app.Write(w.t.Context(), c, cmd, "test")
	}},
	{"import with deleteMissing", func(w *world) error {
		posts := w.app.Catalogue().Find("posts").Clone()
		posts.Field("plain").Base().Name = "simple"
		list := []json.RawMessage{
			json.RawMessage(posts.AppendAPI(nil)),
			json.RawMessage(`{"name":"extra","type":"base","fields":[{"name":"x","type":"text"}],"indexes":["CREATE INDEX extra_x ON extra (x)"]}`),
		}
		return w.change(func(ch *schema.Change) error { return ch.Import(list, true) })
	}},
}

// A change of the schema that fails at any step leaves tables, rows, files and catalogue as they were, and succeeds when it is
// made again. Steps whose failure is not the change's (views that depend on it are brought up to date as well as it goes)
// may be disturbed and the change holds.
func TestSchemaChangesAreAllOrNothing(t *testing.T) {
	stride := 1
	if raceDetector {
		stride = 9 // it takes ten times as long, and looks for something else
	}
	template := t.TempDir()
	w := newWorld(t, template)
	w.close()
	for _, change := range worldChanges {
		t.Run(change.name, func(t *testing.T) {
			fresh := func() *world {
				w := &world{t: t, dir: filepath.Join(t.TempDir(), "data")}
				if err := os.CopyFS(w.dir, os.DirFS(template)); err != nil {
					t.Fatal(err)
				}
				w.open()
				return w
			}
			w := fresh()
			defer func() { w.close() }()
			before, failed, held := w.dump(), 0, 0
			for at := 1; ; at += stride {
				w.sabotage()
				w.sab.arm(at)
				err := change.run(w)
				if !w.sab.disarm() {
					if err != nil {
						t.Fatalf("undisturbed: %v", err)
					}
					break
				}
				if err == nil {
					held++
					w.sound(at)
					w.close()
					w = fresh()
					continue
				}
				failed++
				if after := w.dump(); after != before {
					t.Fatalf("disturbed at step %d (%v): %s", at, err, difference(before, after))
				}
			}
			if w.dump() == before {
				t.Error("the change changed nothing")
			}
			w.sound(0)
			if failed == 0 {
				t.Error("no step failed the change")
			}
			t.Logf("%d steps failed the change, %d did not", failed, held)
		})
	}
}

// sound looks whether tables, stored definitions and catalogue say the same.
func (w *world) sound(at int) {
	w.t.Helper()
	err := w.app.DB().Read(w.t.Context(), func(r *sqlite.Reader) error {
		list, err := schema.Load(r.Conn())
		if err != nil {
			return err
		}
		stored := schema.NewCatalogue(0, list)
		for _, c := range w.app.Catalogue().Collections {
			if other := stored.ByID(c.ID); other == nil || string(other.AppendAPI(nil)) != string(c.AppendAPI(nil)) {
				w.t.Errorf("disturbed at step %d: the catalogue's %s is not the stored one", at, c.Name)
			}
			var columns, fields []string
			if err := eachRow(r, "SELECT name FROM pragma_table_info('"+c.Name+"')", func(row []string) { columns = append(columns, row[0]) }); err != nil {
				return err
			}
			for _, f := range c.Fields {
				fields = append(fields, f.Base().Name)
			}
			slices.Sort(columns)
			slices.Sort(fields)
			if !c.IsView() && !slices.Equal(columns, fields) {
				w.t.Errorf("disturbed at step %d: %s has columns %v and fields %v", at, c.Name, columns, fields)
			}
			for _, index := range c.Indexes {
				found := false
				query := "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = '" + schema.ParseIndex(index).Name + "'"
				if err := eachRow(r, query, func([]string) { found = true }); err != nil {
					return err
				}
				if !found {
					w.t.Errorf("disturbed at step %d: %s lacks %s", at, c.Name, index)
				}
			}
		}
		return nil
	})
	if err != nil {
		w.t.Errorf("disturbed at step %d: %v", at, err)
	}
}

// difference is the first line in which two dumps differ.
func difference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d\n was %.600s\n  is %.600s", i, x[i], y[i])
		}
	}
	return fmt.Sprintf("%d lines and %d", len(x), len(y))
}

// The same holds when COMMIT is refused, and when the change panics at its end.
func TestSchemaChangesThatFailAtTheEnd(t *testing.T) {
	w := newWorld(t, t.TempDir())
	defer w.close()
	err := w.app.DB().Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		return tx.Exec("CREATE TABLE child (p TEXT REFERENCES lonely (id) DEFERRABLE INITIALLY DEFERRED)")
	}))
	if err != nil {
		t.Fatal(err)
	}
	before := w.dump()
	full := func(ch *schema.Change) error {
		err := w.create(ch, `{"name":"fresh","type":"base","fields":[{"name":"a","type":"text"}],"indexes":["CREATE INDEX fresh_a ON fresh (a)"]}`)
		if err == nil {
			err = w.update(ch, "posts", `{"name":"articles"}`, func(c *schema.Collection) { c.Field("tags").(*schema.SelectField).MaxSelect = 1 })
		}
		if err == nil {
			err = ch.Delete(schema.NewCatalogue(0, ch.Collections()).Find("members").ID)
		}
		return err
	}
	for name, end := range map[string]func(tx *sqlite.Tx) error{
		"COMMIT is refused": func(tx *sqlite.Tx) error { return tx.Exec("INSERT INTO child VALUES ('nobody')") },
		"a panic":           func(*sqlite.Tx) error { panic("in the middle of it") },
	} {
		catalogue := w.app.Catalogue()
		err := w.app.DB().Change(context.Background(), func(tx *sqlite.Tx) error {
			ch := schema.NewChange(context.Background(), tx.Conn(), catalogue.Collections, time.Now(), nil)
			if err := full(ch); err != nil {
				return err
			}
			return end(tx)
		}, func() { t.Errorf("%s: the catalogue was replaced", name) })
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if after := w.dump(); after != before {
			t.Errorf("%s: %s", name, difference(before, after))
		}
	}
	panics := 0
	err = w.change(func(ch *schema.Change) error {
		panics++
		if err := full(ch); err != nil {
			return err
		}
		panic("a change that panics")
	})
	if err == nil || panics == 0 {
		t.Errorf("a change that panics: %v", err)
	}
	if after := w.dump(); after != before {
		t.Errorf("a change that panics: %s", difference(before, after))
	}
	if err := w.change(full); err != nil {
		t.Errorf("the same without a fault: %v", err)
	}
}
