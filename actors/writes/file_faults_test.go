package writes_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/files/filestest"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// brokenDisk is a disk on which the steps from one on fail. It is safe for concurrent use.
type brokenDisk struct {
	files.OS
	mu    sync.Mutex
	steps int   // taken so far
	from  int   // the first that fails, counted from 1; 0 fails none
	until int   // the last that fails
	err   error // of those that fail
	// only is what the path of a step has that fails; "" for any.
	only string
}

// breaks makes the n-th step from now fail, and count-1 after it.
func (d *brokenDisk) breaks(n, count int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.from, d.until, d.err = d.steps+n, d.steps+n+count-1, err
}

// mend makes no step fail any more and tells whether one did.
func (d *brokenDisk) mend() (failed bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	failed = d.from > 0 && d.steps >= d.from
	d.from, d.until = 0, 0
	return failed
}

func (d *brokenDisk) step(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !strings.Contains(path, d.only) {
		return nil
	}
	d.steps++
	if d.from > 0 && d.steps >= d.from && d.steps <= d.until {
		return d.err
	}
	return nil
}

func (d *brokenDisk) do(path string, fn func() error) error {
	if err := d.step(path); err != nil {
		return err
	}
	return fn()
}

func (d *brokenDisk) MkdirAll(path string) error {
	return d.do(path, func() error { return d.OS.MkdirAll(path) })
}
func (d *brokenDisk) Rename(from, to string) error {
	return d.do(to, func() error { return d.OS.Rename(from, to) })
}
func (d *brokenDisk) Remove(path string) error {
	return d.do(path, func() error { return d.OS.Remove(path) })
}
func (d *brokenDisk) RemoveAll(path string) error {
	return d.do(path, func() error { return d.OS.RemoveAll(path) })
}
func (d *brokenDisk) SyncDir(path string) error {
	return d.do(path, func() error { return d.OS.SyncDir(path) })
}
func (d *brokenDisk) Create(path string, flag int) (files.DiskFile, error) {
	if err := d.step(path); err != nil {
		return nil, err
	}
	f, err := d.OS.Create(path, flag)
	return &brokenFile{f, d, path}, err
}

// brokenFile is torn where its disk fails: half of what was to be written is.
type brokenFile struct {
	files.DiskFile
	d    *brokenDisk
	path string
}

func (f *brokenFile) Write(p []byte) (int, error) {
	if err := f.d.step(f.path); err != nil {
		n, _ := f.DiskFile.Write(p[:len(p)/2])
		return n, err
	}
	return f.DiskFile.Write(p)
}
func (f *brokenFile) Sync() error { return f.d.do(f.path, f.DiskFile.Sync) }
func (f *brokenFile) Close() error {
	return errors.Join(f.DiskFile.Close(), f.d.step(f.path))
}

// newBrokenFileRig is newFileRig on a disk that can fail.
func newBrokenFileRig(t *testing.T) (*fileRig, *brokenDisk) {
	t.Helper()
	disk := new(brokenDisk)
	s := &fileRig{t: t, dir: t.TempDir()}
	s.app = app.New(app.Options{Dir: s.dir, Exclusive: true, Logger: slog.New(slog.DiscardHandler), Disk: disk})
	if err := s.app.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.app.Close() })
	s.define()
	return s, disk
}

// text reads a stored file.
func (s *fileRig) text(key string) (string, error) {
	f, err := s.app.Writes.Files().Open(key)
	if err != nil {
		return "", err
	}
	raw, err := io.ReadAll(f)
	return string(raw), errors.Join(err, f.Close())
}

// faulty is a write with files and what it makes of the title.
type faulty struct {
	name  string
	write func(s *fileRig, title string) error
}

func faultyWrites(kept *records.Record) []faulty {
	return []faulty{
		{"create", func(s *fileRig, title string) error {
			return s.write(s.create(map[string]any{"title": title}, title+" one", title+" two"))
		}},
		{"update", func(s *fileRig, title string) error {
			return s.write(s.update(kept.ID(), map[string]any{"title": title}, title+" one"))
		}},
		{"replace", func(s *fileRig, title string) error {
			r, err := s.app.Store.Load(s.t.Context(), s.col.ID, kept.ID())
			if err != nil {
				s.t.Fatal(err)
			}
			docs := r.Get("docs").([]string)
			return s.write(s.update(kept.ID(), map[string]any{"title": title, "docs-": docs[len(docs)-1]}, title+" one"))
		}},
		{"batch", func(s *fileRig, title string) error {
			return s.write(&records.Batch{Commands: []records.Command{
				s.create(map[string]any{"title": title}, title+" one"), s.update(kept.ID(), nil, title+" two")}})
		}},
		{"transaction", func(s *fileRig, title string) error {
			return s.app.Records.RunInTransaction(s.t.Context(), func(ctx context.Context) error {
				return s.app.Writes.DoCommand(ctx, s.col, s.create(map[string]any{"title": title}, title+" one"), "test")
			})
		}},
	}
}

// titled tells whether a record has a title.
func (s *fileRig) titled(title string) (found bool) {
	s.t.Helper()
	err := s.app.DB.Read(s.t.Context(), func(r *sqlite.Reader) error {
		stmt, err := r.Prepare("SELECT 1 FROM shelf WHERE title = ?")
		if err != nil {
			return err
		}
		stmt.BindText(1, title)
		if found, err = stmt.Step(); err != nil {
			return err
		}
		return stmt.Reset()
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// whole tells that each record has the files that it names, as they were sent.
func (s *fileRig) whole(during string) {
	s.t.Helper()
	for _, id := range idsIn(s.t, s.app, s.col) {
		r, err := s.app.Store.Load(s.t.Context(), s.col.ID, id)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, key := range r.FileKeys() {
			if text, err := s.text(key); err != nil || !s.sent[text] {
				s.t.Errorf("%s: %s names a file with %q, %v", during, r.Text("title"), text, err)
			}
		}
	}
}

// Law 10: whichever step on the disk fails, for a full disk or a broken one, once or from then on, the answer says what became
// of the record, no record loses a file, and the next start finds nothing to complain of.
func TestLaw10FaultsOfTheDisk(t *testing.T) {
	s, disk := newBrokenFileRig(t)
	kept := s.created("kept", "first", "second")
	serial := 0
	for _, fault := range []error{syscall.ENOSPC, syscall.EIO} {
		for _, count := range []int{1, 1 << 20} {
			for _, w := range faultyWrites(kept) {
				for n := 1; ; n++ {
					serial++
					title := fmt.Sprintf("t%d", serial)
					during := fmt.Sprintf("%s, step %d of %d fails with %v", w.name, n, count, fault)
					disk.breaks(n, count, fault)
					err := w.write(s, title)
					if failed := disk.mend(); !failed {
						if err != nil {
							t.Errorf("%s: %v although nothing failed", during, err)
						}
						break
					}
					if written := s.titled(title); written != (err == nil) {
						t.Errorf("%s: written is %v, the answer %v", during, written, err)
					}
					s.whole(during)
				}
			}
		}
	}
	if serial < 200 {
		t.Errorf("only %d writes met a fault", serial)
	}
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	audit(t, "after the faults", s.dir)
}

// Law 10: what a write leaves behind when nothing can be removed, or no file but notes, is removed by the next start, and so are
// the notes.
func TestLaw10NotesOutliveADiskThatRemovesNothing(t *testing.T) {
	for _, only := range []string{"", "storage"} {
		notesOutlive(t, only)
	}
}

func notesOutlive(t *testing.T, only string) {
	s, disk := newBrokenFileRig(t)
	disk.only = only
	s.created("a", "one")
	s.app.Writes.OnStep(func(step string) {
		if step == writes.StepStored {
			disk.breaks(1, 1<<20, syscall.EIO)
		}
	})
	if err := s.write(s.create(map[string]any{"title": "a"}, "two")); err == nil {
		t.Fatal("a second record with the same title was written")
	}
	if !disk.mend() {
		t.Fatal("nothing was to be removed")
	}
	if notes, err := s.app.Writes.Pending().Left(); err != nil || len(notes) != 1 {
		t.Errorf("%d notes, %v", len(notes), err)
	}
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	audit(t, "after nothing could be removed", s.dir)
}

// Law 10: while it is not known whether a record was written its files stay, and so does their note.
func TestLaw10FilesOfAnUnknownOutcomeStay(t *testing.T) {
	s := newFileRig(t)
	cmd := s.create(map[string]any{"title": "a"}, "one")
	note, err := s.app.Writes.StoreUploads(uploadsOf(cmd))
	if err != nil {
		t.Fatal(err)
	}
	s.app.Writes.SettleUploads(uploadsOf(cmd), note, fmt.Errorf("commit: %w", sqlite.ErrOutcomeUnknown))
	if text, err := s.text(uploadsOf(cmd).Keys()[0]); err != nil || text != "one" {
		t.Errorf("the file is %q, %v", text, err)
	}
	if notes, err := s.app.Writes.Pending().Left(); err != nil || len(notes) != 1 {
		t.Errorf("%d notes, %v", len(notes), err)
	}
	if err := s.app.Close(); err != nil {
		t.Fatal(err)
	}
	audit(t, "an outcome that was unknown and is not", s.dir)
}

// A key under which nothing can be stored fails the write and leaves neither file nor note, whatever made it: a name that is
// the server's, or one that is too long for any file system.
func TestUploadsThatNoFileSystemTakesLeaveNoNote(t *testing.T) {
	s := newFileRig(t)
	for _, name := range []string{"x.attrs", strings.Repeat("x", 300), strings.Repeat("x", 254), ".."} {
		in := s.input(map[string]any{"title": "a"}, "one")
		in.Files[0].Name = name
		cmd, err := s.app.Store.PrepareCreate(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.write(cmd); err == nil {
			t.Errorf("%.20q was stored", name)
		}
		if notes, err := s.app.Writes.Pending().Left(); err != nil || len(notes) != 0 {
			t.Errorf("%.20q: %d notes are left, %v", name, len(notes), err)
		}
		if left := filestest.Keys(t, s.dir); len(left) != 0 {
			t.Errorf("%.20q: stored %v", name, left)
		}
	}
}

// An upload that is named like the thumbs of another is not removed with that one.
func TestAFileNamedLikeThumbsStays(t *testing.T) {
	s := newFileRig(t)
	store := s.app.Writes.Files()
	for _, key := range []string{"c/r/a.png", "c/r/thumbs_a.png", "c/q/a.png", "c/q/thumbs_a.png/1x1_a.png"} {
		if err := store.Put(key, strings.NewReader(key), files.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"c/r/a.png", "c/q/a.png"} {
		if err := store.Delete(key); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := s.text("c/r/thumbs_a.png"); err != nil || text != "c/r/thumbs_a.png" {
		t.Errorf("%q, %v", text, err)
	}
	if left, err := filepath.Glob(filepath.Join(s.dir, "storage", "c", "q", "*")); err != nil || len(left) != 0 {
		t.Errorf("thumbs are left: %v, %v", left, err)
	}
}

// Law 10: a record that cannot be read, because somebody wrote into its row, is there and keeps its files.
func TestLaw10FilesOfARecordThatCannotBeReadStay(t *testing.T) {
	dir := t.TempDir()
	a := openFileRig(t, dir)
	defer a.Close()
	col := define(t, a, `{"name":"places","type":"base","fields":[{"name":"at","type":"geoPoint"},{"name":"f","type":"file"}]}`)
	in := input(a, col, map[string]any{"at": map[string]any{"lon": 1, "lat": 2}})
	in.Files = upload(t, "text")
	cmd, err := a.Store.PrepareCreate(t.Context(), in)
	if err == nil {
		err = a.Writes.DoCommand(t.Context(), col, cmd, "test")
	}
	if err != nil {
		t.Fatal(err)
	}
	key := uploadsOf(cmd).Keys()[0]
	err = a.DB.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		if err := tx.Exec("UPDATE places SET at = 'nowhere'"); err != nil {
			return err
		}
		return records.NoteRemovals(tx, []string{key})
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Store.Load(t.Context(), col.ID, cmd.ID()); err == nil {
		t.Fatal("the record can be read")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openFileRig(t, dir).Close(); err != nil { // which has looked at the notes then
		t.Fatal(err)
	}
	f, err := files.NewLocal(filepath.Join(dir, "storage"), files.OS{}).Open(key)
	if err != nil {
		t.Fatalf("the file is gone: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}
