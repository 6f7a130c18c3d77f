package writes_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/files/filestest"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// fileRig is an application with a collection of records that have files.
type fileRig struct {
	t   *testing.T
	dir string
	app *app.App
	col *schema.Collection
	// sent are the contents of all uploads.
	sent map[string]bool
}

const shelfDefinition = `{"id":"shelf0000000001","name":"shelf","type":"base","fields":[{"name":"title","type":"text"},{"name":"docs","type":"file","maxSelect":999}],
	"indexes":["CREATE UNIQUE INDEX shelf_title ON shelf (title)"]}`

// crashes takes a picture of the data directory at every step of a write with files, as a crash would leave it there.
type crashes struct {
	mu     sync.Mutex
	from   string
	into   string
	during string
	images []string
	err    error
}

// crashImage copies a directory as a crash leaves it. What is removed in the background meanwhile may be gone.
func crashImage(to, from string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		rel, relErr := filepath.Rel(from, path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil || relErr != nil:
			return errors.Join(err, relErr)
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o600)
	})
}

func (c *crashes) at(step string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := fmt.Sprintf("%02d %s %s", len(c.images), c.during, step)
	image := filepath.Join(c.into, name)
	if err := crashImage(image, c.from); err != nil {
		c.err = errors.Join(c.err, err)
	}
	c.images = append(c.images, name)
}

func (c *crashes) begin(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.during = what
}

// Law 10: wherever a write with files is cut short, a start makes files and records agree.
func TestLaw10FilesAndRecordsAgreeAfterACrashAtEachStep(t *testing.T) {
	s := newFileRig(t)
	c := &crashes{from: s.dir, into: t.TempDir()}
	s.app.Writes.OnStep(c.at)

	c.begin("create")
	first := s.created("a", "one", "two")
	docs := first.Get("docs").([]string)
	c.begin("replace")
	s.must(s.update(first.ID(), map[string]any{"docs-": docs[0]}, "three"))
	c.begin("refused create")
	if err := s.write(s.create(map[string]any{"title": "a"}, "four")); err == nil {
		t.Error("a second record with the same title was written")
	}
	c.begin("refused batch")
	batch := &records.Batch{Commands: []records.Command{s.create(map[string]any{"title": "b"}, "five"), s.create(map[string]any{"title": "b"}, "six")}}
	if err := s.write(batch); err == nil {
		t.Error("a batch with a title twice was written")
	}
	c.begin("batch")
	batch = &records.Batch{Commands: []records.Command{s.create(map[string]any{"title": "c"}, "seven"), s.update(first.ID(), map[string]any{"docs": nil})}}
	s.must(batch)
	c.begin("transaction")
	err := s.app.Records.RunInTransaction(t.Context(), func(ctx context.Context) error {
		return s.app.Writes.DoCommand(ctx, s.col, s.create(map[string]any{"title": "d"}, "eight"), "test")
	})
	if err != nil {
		t.Error(err)
	}
	c.begin("rolled back transaction")
	err = s.app.Records.RunInTransaction(t.Context(), func(ctx context.Context) error {
		err := s.app.Writes.DoCommand(ctx, s.col, s.create(map[string]any{"title": "e"}, "nine"), "test")
		return errors.Join(err, errors.New("no"))
	})
	if err == nil {
		t.Error("a transaction that failed was written")
	}
	c.begin("delete")
	s.must(s.delete(batch.Commands[0].(*records.Create).ID()))
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	if c.err != nil {
		t.Fatal(c.err)
	}
	for _, step := range []string{writes.StepNoted, writes.StepStored, writes.StepWritten, writes.StepRemoved} {
		if !slices.ContainsFunc(c.images, func(name string) bool { return strings.HasSuffix(name, step) }) {
			t.Errorf("no crash at step %q", step)
		}
	}
	for _, name := range c.images {
		audit(t, name, filepath.Join(c.into, name))
	}
	audit(t, "the end", s.dir)
}

// What a crash leaves of a file that was being stored goes too.
func TestLaw10AHalfStoredFileIsSweptAway(t *testing.T) {
	s := newFileRig(t)
	s.must(s.create(map[string]any{"title": "kept"}, "kept"))
	image := filepath.Join(t.TempDir(), "image")
	s.app.Writes.OnStep(func(step string) {
		if step == writes.StepNoted {
			if err := crashImage(image, s.dir); err != nil {
				t.Error(err)
			}
		}
	})
	cmd := s.create(map[string]any{"title": "torn"}, "never whole")
	s.must(cmd)
	key := filepath.Join(image, "storage", uploadsOf(cmd).Keys()[0])
	for _, path := range []string{filepath.Join(filepath.Dir(key), "."+filepath.Base(key)+".tmp"), key + ".attrs"} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte("nev"), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(image, writes.PendingDir, "torn.json"), []byte(`["shelf`), 0o666); err != nil {
		t.Fatal(err)
	}
	audit(t, "half a file", image)
}

// A note never makes the start remove what a record names, whatever the note says.
func TestLaw10ASweepKeepsWhatARecordNames(t *testing.T) {
	s := newFileRig(t)
	r := s.created("a", "one", "two")
	keys := r.FileKeys()
	if _, err := s.app.Writes.Pending().Note(keys[:1]); err != nil {
		t.Fatal(err)
	}
	err := s.app.DB.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		return records.NoteRemovals(tx, []string{keys[1], s.col.ID + "/"})
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	audit(t, "notes of files that are needed", s.dir)
	if got := filestest.Keys(t, s.dir); !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
		t.Errorf("stored: %v, want %v", got, keys)
	}
}

// A file store that fails fails the write, and leaves nothing.
func TestLaw10AStoreThatFails(t *testing.T) {
	s := newFileRig(t)
	root := filepath.Join(s.dir, "storage")
	if err := os.MkdirAll(root, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, s.col.ID), []byte("in the way"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := s.write(s.create(map[string]any{"title": "a"}, "one")); err == nil {
		t.Error("a record was written whose file could not be stored")
	}
	if ids := idsIn(t, s.app, s.col); len(ids) != 0 {
		t.Errorf("records: %v", ids)
	}
	if err := os.Remove(filepath.Join(root, s.col.ID)); err != nil {
		t.Fatal(err)
	}
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	audit(t, "a store that failed", s.dir)
}

// The files of a deleted collection go, also when the crash comes right after the commit, and a collection that is made with
// the same id keeps its own.
func TestLaw10FilesOfDeletedCollections(t *testing.T) {
	s := newFileRig(t)
	s.must(s.create(map[string]any{"title": "a"}, "one"))
	image := filepath.Join(t.TempDir(), "image")
	err := s.app.Catalogue.ChangeFunc(t.Context(), func(ch *schema.Change) error { return ch.Delete(s.col.ID) })
	if err != nil {
		t.Fatal(err)
	}
	s.define()
	r := s.created("b", "two")
	f, err := s.app.Writes.Files().Open(r.FileKeys()[0])
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil || !bytes.Equal(raw, []byte("two")) {
		t.Errorf("got %q, %v", raw, err)
	}
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	audit(t, "a collection made again", s.dir)

	// A crash between the commit of the deletion and the removal.
	app := openFileRig(t, s.dir)
	err = app.DB.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		for _, sql := range []string{"DROP TABLE shelf", "DELETE FROM _collections WHERE name = 'shelf'"} {
			if err := tx.Exec(sql); err != nil {
				return err
			}
		}
		return records.NoteRemovals(tx, []string{s.col.ID + "/"})
	}))
	if err != nil {
		t.Fatal(err)
	}
	if err := crashImage(image, s.dir); err != nil {
		t.Fatal(err)
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	audit(t, "a crash after the deletion of a collection", image)
}

func uploadsOf(cmd records.Command) records.Uploads {
	u, _ := records.UploadsOf(cmd)
	return u
}
