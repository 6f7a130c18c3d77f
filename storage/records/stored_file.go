package records

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// StoredFile is a file that a record names.
type StoredFile struct {
	// Key is where its bytes are stored: with the record that it was uploaded to, which the row of a view is not.
	Key string
	// Protected tells that it is for those only who may view the record that was asked for.
	Protected bool
}

// StoredFile finds the file of a record by its name, also through a view, or a view over views. It fails with
// [ErrNoCollection], or with [ErrNotFound] when no file field of the record holds that name, or no source of a view can be
// found.
func (s *Store) StoredFile(ctx context.Context, collectionID, id, name string) (*StoredFile, error) {
	var found *StoredFile
	err := s.db.Read(ctx, func(r *sqlite.Reader) (err error) {
		cat := s.catalogue()
		c := cat.ByID(collectionID)
		if c == nil {
			return ErrNoCollection
		}
		found, err = s.storedFile(r, cat, c, id, name)
		return err
	})
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrNoCollection) {
		err = fmt.Errorf("look for a file: %w", err)
	}
	return found, err
}

func (s *Store) storedFile(p Preparer, cat *schema.Catalogue, c *schema.Collection, id, name string) (*StoredFile, error) {
	r, err := s.load(p, s.compiled(cat), c, id)
	if err != nil {
		return nil, err
	}
	field := fieldOfFile(r, name)
	if field == nil {
		return nil, ErrNotFound
	}
	if !c.IsView() {
		return &StoredFile{fileKey(c.ID, id, name), field.Protected}, nil
	}
	origin, ok := cat.Origin(c, field.Name)
	source, isFile := origin.Field.(*schema.FileField)
	if !ok || !isFile {
		return nil, ErrNotFound
	}
	owner, err := s.ownerOfFile(p, cat, origin, id, name)
	if err != nil {
		return nil, err
	}
	// A field that became protected after the view was made is protected.
	return &StoredFile{fileKey(origin.Collection.ID, owner, name), field.Protected || source.Protected}, nil
}

// ownerOfFile returns the id of the record that holds a file which a view shows in its row id. No two uploads have the same
// name, so the name finds it where the ids of the view are others.
func (s *Store) ownerOfFile(p Preparer, cat *schema.Catalogue, origin schema.Origin, id, name string) (string, error) {
	c, column := origin.Collection, sqlite.QuoteName(origin.Field.Base().Name)
	if origin.SameID {
		r, err := s.load(p, s.compiled(cat), c, id)
		if err == nil && fieldOfFile(r, name) != nil {
			return id, nil
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return "", err
		}
	}
	stmt, err := p.Prepare("SELECT `id` FROM " + sqlite.QuoteName(c.Name) + " WHERE " + column + " = ?1 OR EXISTS " +
		"(SELECT 1 FROM json_each(CASE WHEN json_valid(" + column + ") THEN " + column + " ELSE '[]' END) WHERE value = ?1) LIMIT 1")
	if err != nil {
		return "", fmt.Errorf("find in %s: %w", c.Name, err)
	}
	stmt.BindText(1, name)
	found, err := stmt.Step()
	if err != nil {
		return "", fmt.Errorf("find in %s: %w", c.Name, err)
	}
	if !found {
		return "", ErrNotFound
	}
	owner := stmt.ColumnText(0)
	return owner, stmt.Reset()
}

// fieldOfFile returns the file field of r that holds a name, nil when there is none.
func fieldOfFile(r *Record, name string) *schema.FileField {
	for i, f := range r.Collection.Fields {
		if field, ok := f.(*schema.FileField); ok && name != "" && slices.Contains(idsOf(r.Values[i]), name) {
			return field
		}
	}
	return nil
}
