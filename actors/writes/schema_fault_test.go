package writes_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
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
		c := w.app.Catalogue.Current().Find("posts")
		cmd, err := w.app.Store.PrepareTruncate(c.ID, records.Caller{})
		if err != nil {
			return err
		}
		return w.app.Writes.DoCommand(w.t.Context(), c, cmd, "test")
	}},
	{"import with deleteMissing", func(w *world) error {
		posts := w.app.Catalogue.Current().Find("posts").Clone()
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

// The same holds when COMMIT is refused, and when the change panics at its end.
func TestSchemaChangesThatFailAtTheEnd(t *testing.T) {
	w := newWorld(t, t.TempDir())
	defer w.close()
	err := w.app.DB.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
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
		catalogue := w.app.Catalogue.Current()
		err := w.app.DB.Change(context.Background(), func(tx *sqlite.Tx) error {
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
