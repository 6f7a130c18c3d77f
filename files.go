package troupe

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// File is a file that a program gives to a record, see [App.SaveWithFiles].
type File struct {
	// Field is the file field that gets it.
	Field string
	// Name is what the file is called; the name under which it is stored is made of it.
	Name string
	// Content is where the bytes are, an *os.File for example, and Size how many there are. It is read until the save returns, and not closed.
	Content io.ReaderAt
	Size    int64
}

// FileOf returns a file for a field from bytes, which are not to be changed until it is saved.
func FileOf(field, name string, content []byte) *File {
	return &File{Field: field, Name: name, Content: bytes.NewReader(content), Size: int64(len(content))}
}

// SaveWithFiles is [App.Save] that stores files beside the record: they are added to what a field for several files holds, and
// take the place of what a field for one holds. Files and record are there together or not at all, also after a crash.
func (a *App) SaveWithFiles(ctx context.Context, r *Record, files ...*File) error {
	with := r.Clone()
	pending := make([]*records.PendingFile, 0, len(files))
	for _, f := range files {
		field, ok := r.Collection.Field(f.Field).(*schema.FileField)
		if !ok {
			return fmt.Errorf("save record of %s: no file field %q", r.Collection.Name, f.Field)
		}
		p := &records.PendingFile{Key: f.Field, Original: f.Name, Size: f.Size, Content: f.Content}
		if err := p.Identify(); err != nil {
			return fmt.Errorf("save record of %s: %w", r.Collection.Name, err)
		}
		pending = append(pending, p)
		if field.Multiple() {
			with.Set(f.Field, append(slices.Clone(with.Texts(f.Field)), p.Name))
		} else {
			with.Set(f.Field, p.Name)
		}
	}
	if err := a.save(ctx, with, pending...); err != nil {
		return err
	}
	r.Become(with)
	return nil
}

// StoredFile is an open file of a record. The caller closes it.
type StoredFile struct {
	io.ReadSeekCloser
	// Name is what the file was called when it came, ContentType what its bytes look like.
	Name, ContentType string
	Size              int64
	Modified          time.Time
}

// OpenFile opens a file of a record by the name that one of its fields holds. It fails with [ErrNoFile] or [ErrNotOpen].
func (a *App) OpenFile(r *Record, name string) (*StoredFile, error) {
	if !a.inner.Ready() {
		return nil, ErrNotOpen
	}
	key := r.Collection.ID + "/" + r.ID() + "/" + name
	if !slices.Contains(r.FileKeys(), key) {
		return nil, fmt.Errorf("open %q of a record of %s: %w", name, r.Collection.Name, ErrNoFile)
	}
	f, err := a.inner.Writes.Files().Open(key)
	if err != nil {
		return nil, fmt.Errorf("open %q of a record of %s: %w", name, r.Collection.Name, err)
	}
	return &StoredFile{ReadSeekCloser: f, Name: f.OriginalName, ContentType: f.ContentType, Size: f.Size, Modified: f.Modified}, nil
}
