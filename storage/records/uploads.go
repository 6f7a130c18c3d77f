package records

import (
	"slices"

	"github.com/troupebase/troupe/storage/files"
)

// Uploads are the files that a command brings along, and those that its outcome leaves without a name.
type Uploads struct{ of uploading }

// uploading is a command that can have uploads.
type uploading interface {
	uploads() []string
	storeFiles(store *files.Local) error
	undone()
	unneeded() []string
}

// UploadsOf returns the uploads of a command; ok is false for one that can have none.
func UploadsOf(cmd Command) (u Uploads, ok bool) {
	of, ok := cmd.(uploading)
	return Uploads{of}, ok
}

// Keys are the storage keys of the uploads, nil when there are none.
func (u Uploads) Keys() []string { return u.of.uploads() }

// Store stores the bytes of the uploads under their keys, and lets go of them. It is called before the command is applied, and
// fails with a *[BatchError] for a batch.
func (u Uploads) Store(store *files.Local) error { return u.of.storeFiles(store) }

// Undone tells the command that it was refused, or that what it wrote was rolled back after all.
func (u Uploads) Undone() { u.of.undone() }

// Unneeded are the storage keys of the files that the outcome does not name: uploads, and what records named before.
func (u Uploads) Unneeded() []string { return u.of.unneeded() }

// storeFiles stores the bytes of the uploads under the record's id.
func (in *WriteInput) storeFiles(store *files.Local, id string) error {
	for _, f := range in.Files {
		if err := f.put(store, in.CollectionID, id); err != nil {
			return err
		}
	}
	return nil
}

// uploadKeys are the storage keys of the uploads.
func (in *WriteInput) uploadKeys(id string) []string {
	var keys []string
	for _, f := range in.Files {
		keys = append(keys, fileKey(in.CollectionID, id, f.Name))
	}
	return keys
}

// unneeded are the keys of the uploads that result does not name, all of them when it is nil, and of the files that only
// old names.
func (in *WriteInput) unneeded(id string, old, result *Record) []string {
	keys := in.uploadKeys(id)
	if result == nil || len(keys) == 0 && (old == nil || !hasFiles(old.Collection)) {
		return keys
	}
	kept := result.FileKeys()
	keys = slices.DeleteFunc(keys, func(key string) bool { return slices.Contains(kept, key) })
	if old != nil {
		keys = append(keys, dropped(old, result)...)
	}
	return keys
}
