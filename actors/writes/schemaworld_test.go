package writes_test

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/storage/files/filestest"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// newWorld makes a world in a directory.
func newWorld(t *testing.T, dir string) *world {
	t.Helper()
	w := &world{t: t, dir: dir}
	w.open()
	for _, d := range worldDefinitions {
		if posts := w.app.Catalogue.Current().Find("posts"); posts != nil {
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
	err := w.app.DB.Do(w.t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Conn().SetAuthorizer(w.sab) }))
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
	return w.app.Catalogue.ChangeFunc(w.t.Context(), change)
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
	s := &fileRig{t: w.t, app: w.app, col: w.app.Catalogue.Current().Find(collection)}
	in := s.input(body, contents...)
	for _, f := range in.Files {
		f.Key = field
	}
	in.SkipRules = true
	cmd, err := w.app.Store.PrepareCreate(w.t.Context(), in)
	if err == nil {
		err = w.app.Writes.DoCommand(w.t.Context(), s.col, cmd, "test")
	}
	if err != nil {
		w.t.Fatalf("insert into %s: %v", collection, err)
	}
}

// dump is everything that a change may touch: tables with their rows, stored files, and what the catalogue answers.
func (w *world) dump() string {
	w.t.Helper()
	var out strings.Builder
	err := w.app.DB.Read(w.t.Context(), func(r *sqlite.Reader) error {
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
	fmt.Fprintln(&out, filestest.Keys(w.t, w.dir))
	for _, c := range w.app.Catalogue.Current().Collections {
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

// sound looks whether tables, stored definitions and catalogue say the same.
func (w *world) sound(at int) {
	w.t.Helper()
	err := w.app.DB.Read(w.t.Context(), func(r *sqlite.Reader) error {
		list, err := schema.Load(r.Conn())
		if err != nil {
			return err
		}
		stored := schema.NewCatalogue(0, list)
		for _, c := range w.app.Catalogue.Current().Collections {
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
