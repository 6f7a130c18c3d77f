package writes_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// again deletes the collection and makes another one of the same definition, with the same id.
func (s *fileRig) again() {
	s.t.Helper()
	id := s.col.ID
	if err := s.app.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error { return ch.Delete(id) }); err != nil {
		s.t.Fatal(err)
	}
	s.define()
	if s.col.ID != id {
		s.t.Fatalf("the new collection has the id %s", s.col.ID)
	}
}

// TestCollectionMadeAgain: a collection that was deleted and made again is another one. A write that was meant for the first
// fails, at whichever step of an upload that happens, and leaves neither a record nor a file in the second.
func TestCollectionMadeAgain(t *testing.T) {
	for _, at := range []string{writes.StepNoted, writes.StepStored} {
		t.Run(at, func(t *testing.T) {
			s := newFileRig(t)
			old := s.col
			in := s.input(map[string]any{"title": "old"}, "old content")
			in.Incarnation = old.Incarnation
			cmd, err := s.app.Store.PrepareCreate(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			done := false
			s.app.Writes.OnStep(func(step string) {
				if step == at && !done {
					done = true
					s.again()
				}
			})
			if err := s.app.Writes.DoCommand(t.Context(), old, cmd, "test"); !errors.Is(err, records.ErrNoCollection) {
				t.Errorf("a write to the old collection: %v", err)
			}
			s.app.Writes.OnStep(nil)
			if n := count(t, s.app, s.col); n != 0 {
				t.Errorf("%d records in the new collection", n)
			}
			if _, err := os.Stat(filepath.Join(s.dir, "storage", s.col.ID, cmd.ID())); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("files of the old write are left: %v", err)
			}
			in = s.input(map[string]any{"title": "new"}, "new content")
			in.Incarnation = s.col.Incarnation
			if cmd, err = s.app.Store.PrepareCreate(t.Context(), in); err == nil {
				err = s.app.Writes.DoCommand(t.Context(), s.col, cmd, "test")
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range cmd.Result.FileKeys() {
				f, err := s.app.Writes.Files().Open(key)
				if err != nil {
					t.Fatal(err)
				}
				f.Close()
			}
		})
	}
}

// TestRecordOfACollectionMadeAgain: a program's record of the old collection is not written to the new one, and a
// change leaves the collections what they are.
func TestRecordOfACollectionMadeAgain(t *testing.T) {
	s := newFileRig(t)
	r, err := s.app.Records.New("shelf")
	if err != nil {
		t.Fatal(err)
	}
	r.Set("title", "a")
	if err := s.app.Records.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	change := s.app.Catalogue.Current().Find("shelf").Clone()
	if err := s.app.Catalogue.ChangeFunc(t.Context(), func(ch *schema.Change) error { change.System = false; return ch.Update(change.ID, change) }); err != nil {
		t.Fatal(err)
	}
	r.Set("title", "b")
	if err := s.app.Records.Save(t.Context(), r); err != nil {
		t.Fatalf("after a change of the collection: %v", err)
	}
	s.again()
	r.Set("title", "c")
	if err := s.app.Records.Save(t.Context(), r); !errors.Is(err, records.ErrNoCollection) {
		t.Errorf("after it was made again: %v", err)
	}
}

// TestWaitingForACollectionThatGoes: who waits for the actor of a collection that is deleted is told so at once.
func TestWaitingForACollectionThatGoes(t *testing.T) {
	s := newFileRig(t)
	old := s.col
	if err := s.app.Writes.Revive(old.ID); err != nil {
		t.Fatal(err)
	}
	in := s.input(map[string]any{"title": "late"})
	cmd, err := s.app.Store.PrepareCreate(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	eventually.Returns(t, "the write", func() {
		if err := s.app.Writes.DoCommand(t.Context(), old, cmd, "test"); !errors.Is(err, records.ErrNoCollection) {
			t.Errorf("got %v", err)
		}
	})
}
