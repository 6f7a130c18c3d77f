package writes

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Files and records agree after a crash (law 10). Before an upload is stored a synced note names its key; the note goes when
// the outcome is known. What a write leaves without a name is noted in the data file by the same transaction, and removed after
// the commit. A start looks at all notes that are left, and asks the data file which of the keys a record names: those stay.

// pendingDir is the directory, in the data directory, of the notes about files that are being stored.
const pendingDir = "_troupe_files_pending"

// The steps of a write with files.
const (
	stepNoted   = "noted"   // the keys of the uploads are on disk
	stepStored  = "stored"  // the uploads are on disk too
	stepWritten = "written" // the outcome is known
	stepRemoved = "removed" // what is not needed is gone, the notes are not
)

// reach tells tests how far a write has come.
func (a *Service) reach(step string) {
	if a.step != nil {
		a.step(step)
	}
}

// storeUploads stores the uploads of a command, noted before. The note is nil when there are none.
func (a *Service) storeUploads(up records.Uploads) (*files.Note, error) {
	keys := up.Keys()
	if len(keys) == 0 {
		return nil, nil
	}
	note, err := a.pending.Note(keys)
	if err != nil {
		return nil, err
	}
	a.reach(stepNoted)
	if err := up.Store(a.files); err != nil {
		return note, err
	}
	a.reach(stepStored)
	return note, nil
}

// settleUploads removes the files that an outcome does not need. What cannot be removed now stays noted.
func (a *Service) settleUploads(up records.Uploads, note *files.Note, outcome error) {
	if errors.Is(outcome, sqlite.ErrOutcomeUnknown) {
		return // whether the files are needed will be seen when the data file can be read again
	}
	if outcome != nil {
		up.Undone()
	}
	gone := up.Unneeded()
	if note == nil && len(gone) == 0 {
		return
	}
	a.reach(stepWritten)
	var errs []error
	for _, key := range gone {
		errs = append(errs, a.files.Delete(key))
	}
	a.reach(stepRemoved)
	err := errors.Join(errs...)
	if err == nil && note != nil {
		err = note.Done()
	}
	if err != nil {
		a.log.Error("remove files", "error", err)
	}
}

// sweepFiles settles at the start what a crash has left. Only the one server of a directory does so: another process's
// uploads are not left, they are under way.
func (a *Service) sweepFiles(ctx context.Context) error {
	if !a.oneServer {
		return nil
	}
	notes, err := a.pending.Left()
	if err != nil {
		return err
	}
	if len(notes) > 0 {
		if err := a.db.Settled(ctx); err != nil {
			a.log.Error("remove files that a crash left", "error", err)
			return nil // they stay noted
		}
	}
	var errs []error
	for _, n := range notes {
		errs = append(errs, a.sweepNote(ctx, n))
	}
	errs = append(errs, a.removeNoted(ctx, isCollectionKey))
	if err := errors.Join(errs...); err != nil {
		// A file that cannot be removed is no reason not to serve. It stays noted.
		a.log.Error("remove files that a crash left", "error", err)
	}
	a.goSafe(a.files.Empty, "remove files")
	a.remover.wake()
	return nil
}

func (a *Service) sweepNote(ctx context.Context, n *files.Note) error {
	gone, err := a.unnamed(ctx, n.Keys)
	if err != nil {
		return err
	}
	for _, key := range gone {
		if err := a.files.Delete(key); err != nil {
			return fmt.Errorf("remove %s: %w", key, err)
		}
	}
	return n.Done()
}

// unnamed returns those of the keys that nothing names.
func (a *Service) unnamed(ctx context.Context, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	var gone []string
	err := a.db.Read(ctx, func(r *sqlite.Reader) error {
		gone = gone[:0]
		for _, key := range keys {
			free, err := a.store.Unnamed(r, key)
			if err != nil {
				return fmt.Errorf("look for the record of %s: %w", key, err)
			}
			if free {
				gone = append(gone, key)
			}
		}
		return nil
	})
	return gone, err
}

// NoteCollections notes, in the transaction that deletes collections, that their files are to be removed; see
// [Service.ForgetCollections].
func NoteCollections(tx *sqlite.Tx, deleted []*schema.Collection) error {
	return records.NoteRemovals(tx, collectionKeys(deleted))
}

// ForgetCollections does what follows when collections were deleted: who waits to write to them is told so, and their files go,
// before another change can make a collection of the same id.
func (a *Service) ForgetCollections(deleted []*schema.Collection) {
	for _, c := range deleted {
		a.dismiss(c.ID)
	}
	a.removeCollections(collectionKeys(deleted))
}

// collectionKeys are the keys under which all files of collections lie.
func collectionKeys(list []*schema.Collection) []string {
	var keys []string
	for _, c := range list {
		if !c.IsView() {
			keys = append(keys, c.ID+"/")
		}
	}
	return keys
}

func (a *Service) removeCollections(keys []string) {
	if len(keys) == 0 {
		return
	}
	var errs []error
	for _, key := range keys {
		errs = append(errs, a.files.Discard(key))
	}
	err := errors.Join(errs...)
	if err == nil {
		err = a.db.Do(context.Background(), records.ClearRemovals(keys))
	}
	if err != nil {
		a.log.Error("remove files of deleted collections", "error", err)
	}
	a.goSafe(a.files.Empty, "remove files")
}

// isCollectionKey tells whether a key stands for all files of a collection.
func isCollectionKey(key string) bool { return strings.HasSuffix(key, "/") }

func isFileKey(key string) bool { return !isCollectionKey(key) }
