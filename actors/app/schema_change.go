package app

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/troupebase/troupe/storage/schema"
)

// SchemaChange is a change of collections by value: what is to be done, and with which definitions. It is one of Create, Put, Update,
// Delete and Import.
type SchemaChange struct {
	// Create is a new collection. Its id and what else it lacks are filled in.
	Create *schema.Collection
	// Put is a whole collection, which takes the place of the one with its id, or is created when there is none.
	Put *schema.Collection
	// Update is the id of a collection, over whose definition Definition is laid: two changes at once do not undo one another.
	Update     string
	Definition json.RawMessage
	// Delete is the id of a collection.
	Delete string
	// Import are definitions: collections that are there, by id, are changed, the others created; with DeleteMissing those that are
	// not named are deleted.
	Import        []json.RawMessage
	DeleteMissing bool
}

// errNoChange says that a change says nothing.
var errNoChange = errors.New("a change of collections without anything to change")

// apply makes the change. It can be called again.
func (c SchemaChange) apply(ch *schema.Change) error {
	switch {
	case c.Create != nil:
		return ch.Create(c.Create)
	case c.Put != nil:
		own := c.Put.Clone()
		if own.ID != "" && schema.NewCatalogue(0, ch.Collections()).ByID(own.ID) != nil {
			return ch.Update(own.ID, own)
		}
		return ch.Create(own)
	case c.Update != "":
		now := schema.NewCatalogue(0, ch.Collections()).ByID(c.Update)
		if now == nil {
			return schema.ErrNotFound
		}
		next := now.Clone()
		if err := next.Decode(c.Definition); err != nil {
			return err
		}
		return ch.Update(c.Update, next)
	case c.Delete != "":
		return ch.Delete(c.Delete)
	case c.Import != nil:
		return ch.Import(c.Import, c.DeleteMissing)
	}
	return errNoChange
}

// ChangeCollections makes a change in one transaction, alone; the new catalogue counts before it returns. It fails like
// [App.ChangeSchema].
func (a *App) ChangeCollections(ctx context.Context, change SchemaChange) error {
	return a.schemaOrder(ctx, &schemaOrder{change: &change, who: authorityOf(ctx)})
}
