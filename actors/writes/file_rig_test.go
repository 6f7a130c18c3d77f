package writes_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/files/filestest"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

func newFileRig(t *testing.T) *fileRig {
	t.Helper()
	s := &fileRig{t: t, dir: t.TempDir()}
	s.app = openFileRig(t, s.dir)
	t.Cleanup(func() { s.app.Close() })
	s.define()
	return s
}

func openFileRig(t *testing.T, dir string) *app.App {
	t.Helper()
	app, err := app.Open(t.Context(), app.Options{Dir: dir, Exclusive: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func (s *fileRig) define() {
	s.t.Helper()
	c, err := schema.DecodeNew([]byte(shelfDefinition))
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.app.Catalogue.ChangeFunc(s.t.Context(), func(ch *schema.Change) error { return ch.Create(c) }); err != nil {
		s.t.Fatal(err)
	}
	s.col = s.app.Catalogue.Current().ByID(c.ID)
}

func (s *fileRig) input(body map[string]any, contents ...string) records.WriteInput {
	s.t.Helper()
	in := records.WriteInput{
		CollectionID: s.col.ID, Body: body,
		Caller: records.Caller{Request: &filter.Request{Context: "default", Now: time.Now()}, Superuser: true},
	}
	for i, content := range contents {
		if s.sent == nil {
			s.sent = make(map[string]bool)
		}
		s.sent[content] = true
		f := &records.PendingFile{Key: "docs+", Original: fmt.Sprintf("f%d.txt", i), Size: int64(len(content)), Content: strings.NewReader(content)}
		if err := f.Identify(); err != nil {
			s.t.Fatal(err)
		}
		in.Files = append(in.Files, f)
	}
	return in
}

func (s *fileRig) create(body map[string]any, contents ...string) *records.Create {
	s.t.Helper()
	cmd, err := s.app.Store.PrepareCreate(s.t.Context(), s.input(body, contents...))
	if err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

func (s *fileRig) update(id string, body map[string]any, contents ...string) *records.Update {
	s.t.Helper()
	cmd, err := s.app.Store.PrepareUpdate(s.t.Context(), id, s.input(body, contents...))
	if err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

func (s *fileRig) delete(id string) *records.Delete {
	s.t.Helper()
	cmd, err := s.app.Store.PrepareDelete(id, s.input(nil))
	if err != nil {
		s.t.Fatal(err)
	}
	return cmd
}

func (s *fileRig) write(cmd records.Command) error {
	return s.app.Writes.DoCommand(s.t.Context(), s.col, cmd, "test")
}

func (s *fileRig) must(cmd records.Command) {
	s.t.Helper()
	if err := s.write(cmd); err != nil {
		s.t.Fatal(err)
	}
}

// created makes a record.
func (s *fileRig) created(title string, contents ...string) *records.Record {
	s.t.Helper()
	cmd := s.create(map[string]any{"title": title}, contents...)
	s.must(cmd)
	return cmd.Result
}

// audit opens a data directory, which settles what was left, and looks whether files and records agree.
func audit(t *testing.T, name, dir string) {
	t.Helper()
	app := openFileRig(t, dir)
	if err := app.Close(); err != nil {
		t.Errorf("%s: close: %v", name, err)
	}
	app = openFileRig(t, dir)
	defer app.Close()
	named := make(map[string]bool)
	for _, c := range app.Catalogue.Current().Collections {
		if c.IsView() || !writes.HasFiles(c) {
			continue
		}
		for _, id := range idsIn(t, app, c) {
			r, err := app.Store.Load(t.Context(), c.ID, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range r.FileKeys() {
				named[key] = true
				f, err := app.Writes.Files().Open(key)
				if err != nil {
					t.Errorf("%s: %s names %s, which is not there: %v", name, id, key, err)
					continue
				}
				f.Close()
			}
		}
	}
	for _, key := range filestest.Keys(t, dir) {
		if !named[key] {
			t.Errorf("%s: %s is stored, and nobody names it", name, key)
		}
	}
	if notes, err := app.Writes.Pending().Left(); err != nil || len(notes) > 0 {
		t.Errorf("%s: notes of uploads are left: %v %v", name, notes, err)
	}
	if keys, err := app.Writes.Noted(t.Context()); err != nil || len(keys) > 0 {
		t.Errorf("%s: notes of removals are left: %v %v", name, keys, err)
	}
}

func idsIn(t *testing.T, app *app.App, c *schema.Collection) (ids []string) {
	t.Helper()
	err := app.DB.Read(t.Context(), func(r *sqlite.Reader) error {
		stmt, err := r.Prepare("SELECT id FROM `" + c.Name + "`")
		if err != nil {
			return err
		}
		for {
			found, err := stmt.Step()
			if err != nil || !found {
				return err
			}
			ids = append(ids, stmt.ColumnText(0))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
