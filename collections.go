package troupe

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/storage/schema"
)

// Collection is the definition of a collection: ID, Name, Type, System, Fields, Indexes, the rules (ListRule, ViewRule,
// CreateRule, UpdateRule, DeleteRule: nil is superusers only, "" everyone) and, of an auth collection, Auth. Field returns a
// field by name; IsAuth and IsView tell what it is. One that the server has handed out is immutable: Clone returns a copy that
// can be changed, also by Decode, which lays JSON over it as a client sends it. MarshalJSON gives it as clients see it.
type Collection = schema.Collection

// Field is one field of a collection. Base returns what all fields have (ID, Name, System, Hidden, Presentable), Type the name of
// its type as clients write it, Multiple tells whether it holds a list.
type Field = schema.Field

// Value is what a field of a record holds, in one Go form per type: string, []string, float64 or bool; for the types json,
// geoPoint and password a type of the server's own, which its text and JSON forms show.
type Value = schema.Value

// ParseCollection reads the JSON of a new collection as a client sends it, {"name": …, "type": "base", "fields": […]}. Nothing is
// stored before [App.SaveCollection], which also checks it.
func ParseCollection(json []byte) (*Collection, error) {
	c, err := schema.DecodeNew(json)
	if err != nil {
		return nil, fmt.Errorf("parse collection: %w", err)
	}
	return c, nil
}

// Collections returns the definitions of all collections: one atomic load. It is nil before the App is open.
func (a *App) Collections() []*Collection {
	if cat := a.inner.Catalogue.Current(); cat != nil {
		return cat.Collections
	}
	return nil
}

// FindCollection returns a collection by name or id. It fails with [ErrNoCollection] or [ErrNotOpen].
func (a *App) FindCollection(nameOrID string) (*Collection, error) {
	if !a.inner.Ready() {
		return nil, ErrNotOpen
	}
	c := a.inner.Catalogue.Current().Find(nameOrID)
	if c == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoCollection, nameOrID)
	}
	return c, nil
}

// SaveCollection stores a collection: a new one ([ParseCollection]), or the changed Clone of one that is there. The tables are
// changed in the same transaction, alone. It fails with [FieldErrors] where the definition is refused, and with [ErrInTransaction]
// in a transaction; then nothing is changed.
func (a *App) SaveCollection(ctx context.Context, c *Collection) error {
	if !a.inner.Ready() {
		return fmt.Errorf("save collection %s: %w", c.Name, ErrNotOpen)
	}
	err := a.inner.Catalogue.Change(ctx, catalogue.Change{Put: c})
	if err != nil {
		return fmt.Errorf("save collection %s: %w", c.Name, err)
	}
	return nil
}

// DeleteCollection deletes a collection, by name or id, with its records and their files. It fails with [ErrNoCollection], where
// others refer to it or it belongs to the server, and with [ErrInTransaction] in a transaction.
func (a *App) DeleteCollection(ctx context.Context, nameOrID string) error {
	c, err := a.FindCollection(nameOrID)
	if err == nil {
		err = a.inner.Catalogue.Change(ctx, catalogue.Change{Delete: c.ID})
	}
	if err != nil {
		return fmt.Errorf("delete collection: %w", err)
	}
	return nil
}

// ImportCollections makes the collections of a JSON list as the import of the API does: those that are there, by id, are
// changed, the others created; with deleteMissing those that the list does not name are deleted. It fails with [FieldErrors],
// or like [App.SaveCollection], and changes nothing then. A program calls it at each start with the collections that it needs.
func (a *App) ImportCollections(ctx context.Context, list []byte, deleteMissing bool) error {
	if !a.inner.Ready() {
		return fmt.Errorf("import collections: %w", ErrNotOpen)
	}
	return a.inner.Catalogue.Import(ctx, list, deleteMissing)
}
