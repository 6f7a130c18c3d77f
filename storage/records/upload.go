package records

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// sniffed is how many bytes of a file decide its type.
const sniffed = 3072

// The lengths to which names of files are cut in error messages (files.md 2.2).
const (
	maxShownUpload = 300
	maxShownName   = 250
)

// PendingFile is an uploaded file on its way into a record. It gets its final name before the record is written.
type PendingFile struct {
	// Key is the body key under which it was sent, modifiers included.
	Key string
	// Original is the client's name of the file.
	Original string
	// Size is the number of bytes.
	Size int64
	// Content is where the Size bytes are: in memory or in a spooled file of the upload's own, not in the request. [Uploads.Store]
	// lets go of it, before the command is handed over.
	Content io.ReaderAt

	// Name is the name under which it is stored, ContentType what its bytes look like. [PendingFile.Identify] sets them.
	Name        string
	ContentType string
	mime        *mimetype.MIME
	head        []byte
}

// Identify gives the file its stored name and finds its type out by its content.
func (f *PendingFile) Identify() error {
	head, err := io.ReadAll(io.NewSectionReader(f.Content, 0, min(f.Size, sniffed)))
	if err != nil {
		return fmt.Errorf("read upload %q: %w", f.Original, err)
	}
	f.Name = schema.StoredFileName(f.Original, head)
	f.head, f.mime = head, schema.DetectType(head)
	f.ContentType = f.mime.String()
	if len(head) == 0 {
		f.ContentType = "text/plain"
	}
	return nil
}

// Again gives the file another name, made of the one it has: the files of a batch are named twice.
func (f *PendingFile) Again() { f.Name = schema.StoredFileName(f.Name, f.head) }

// IsFileKey tells whether a key of a body, modifiers included, names a file field.
func IsFileKey(c *schema.Collection, key string) bool {
	name, _, _ := splitKey(c, key)
	f := c.Field(name)
	return f != nil && f.Role() == schema.RoleFiles
}

// withUploads puts the names of uploads into the body, after the names that were sent as text under the same key.
func withUploads(raw map[string]any, uploads []*PendingFile) map[string]any {
	out := maps.Clone(raw)
	if out == nil {
		out = make(map[string]any)
	}
	for _, u := range uploads {
		switch v := out[u.Key].(type) {
		case nil:
			out[u.Key] = []any{u.Name}
		case []any:
			out[u.Key] = append(slices.Clone(v), u.Name)
		default:
			out[u.Key] = []any{v, u.Name}
		}
	}
	return out
}

// showUploads lets rules see the uploads under their fields.
func (s *submission) showUploads(uploads []*PendingFile) {
	seen := make(map[string][]filter.Upload)
	for _, u := range uploads {
		name, _, _ := splitKey(s.record.Collection, u.Key)
		if f, ok := s.record.Collection.Field(name).(*schema.FileField); ok && s.changes(f.Name) {
			seen[name] = append(seen[name], filter.Upload{Name: u.Name, OriginalName: u.Original, Size: u.Size})
		}
	}
	for name, list := range seen {
		if s.record.Collection.Field(name).Multiple() {
			s.body[name] = list
		} else {
			s.body[name] = list[len(list)-1]
		}
	}
}

// checkFiles checks the value of a file field against what the record had and what came with the request.
func checkFiles(f *schema.FileField, now, before []string, uploads []*PendingFile) error {
	var unknown []string
	var used []*PendingFile
	for _, name := range now {
		if slices.Contains(before, name) {
			continue
		}
		i := slices.IndexFunc(uploads, func(u *PendingFile) bool { return u.Name == name })
		if i < 0 {
			unknown = append(unknown, cut(name, maxShownName))
			continue
		}
		used = append(used, uploads[i])
	}
	if len(unknown) > 0 {
		return validation.New("validation_invalid_file", "Invalid new files: ["+strings.Join(unknown, " ")+"].").
			With(map[string]any{"invalidFiles": unknown})
	}
	if err := f.Validate(f.Cast(now), schema.Update); err != nil {
		return err
	}
	for _, u := range used {
		if err := checkUpload(f, u); err != nil {
			return err
		}
	}
	return nil
}

func checkUpload(f *schema.FileField, u *PendingFile) error {
	if limit := f.Limit(); u.Size > limit {
		shown := cut(u.Original, maxShownUpload)
		return validation.New("validation_file_size_limit", fmt.Sprintf("Failed to upload %s - the maximum allowed file size is %d bytes.", shown, limit)).
			With(map[string]any{"file": shown, "maxSize": limit})
	}
	if len(f.MimeTypes) == 0 || slices.ContainsFunc(f.MimeTypes, u.mime.Is) {
		return nil
	}
	return validation.New("validation_invalid_mime_type", fmt.Sprintf("%q mime type must be one of: %s.", u.Name, strings.Join(f.MimeTypes, ", ")))
}

func cut(s string, limit int) string {
	if len(s) > limit {
		return s[:limit]
	}
	return s
}

// put stores the bytes under the record's key, and lets go of them.
func (f *PendingFile) put(store *files.Local, collectionID, recordID string) error {
	content := io.NewSectionReader(f.Content, 0, f.Size)
	err := store.Put(fileKey(collectionID, recordID, f.Name), content, files.Attributes{ContentType: f.ContentType, OriginalName: f.Original})
	if err == nil {
		f.Content = nil
	}
	return err
}

func fileKey(collectionID, recordID, name string) string {
	return collectionID + "/" + recordID + "/" + name
}

// FileKeys lists the storage keys of all files that a record names.
func (r *Record) FileKeys() []string {
	var keys []string
	for i, f := range r.Collection.Fields {
		if f.Role() != schema.RoleFiles {
			continue
		}
		for _, name := range idsOf(r.Values[i]) {
			keys = append(keys, fileKey(r.Collection.ID, r.ID(), name))
		}
	}
	return keys
}
