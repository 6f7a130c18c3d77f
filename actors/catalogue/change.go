package catalogue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/actors/authority"
	"github.com/troupebase/troupe/actors/settings"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Change is a change of collections by value: what is to be done, and with which definitions. It is one of Create, Put, Update,
// Delete and Import.
type Change struct {
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
func (c Change) apply(ch *schema.Change) error {
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

// Change makes a change in one transaction, alone; the new catalogue counts before it returns. It fails with validation.Errors where a
// definition is refused, or like [Service.ChangeFunc].
func (s *Service) Change(ctx context.Context, change Change) error {
	return s.submit(ctx, &command{change: &change, who: authority.Of(ctx)})
}

// ChangeFunc is [Service.Change] for programs in this process that say in code what is to be changed: such a change cannot be handed to
// anybody else. change may be called again, so it works only on what it is given. It fails with the error of change, those of the
// database and of package admission, with records.ErrForbidden (see [authority.ActingAs]), and with writes.ErrInTransaction where ctx is
// one of a transaction.
func (s *Service) ChangeFunc(ctx context.Context, change func(ch *schema.Change) error) error {
	return s.submit(ctx, &command{run: func() error { return s.change(ctx, authority.Of(ctx), change) }})
}

// Import makes the collections of a JSON list as the import of the API does: those that are there, by id, are
// changed, the others created; with deleteMissing those that the list does not name are deleted. It fails like [Service.Change], and
// changes nothing then.
func (s *Service) Import(ctx context.Context, list []byte, deleteMissing bool) error {
	definitions := []json.RawMessage{}
	if err := json.Unmarshal(list, &definitions); err != nil {
		return fmt.Errorf("import collections: %w", err)
	}
	err := s.Change(ctx, Change{Import: definitions, DeleteMissing: deleteMissing})
	if err != nil {
		return fmt.Errorf("import collections: %w", err)
	}
	return nil
}

// change makes a change, in the worker.
func (s *Service) change(ctx context.Context, who *records.Caller, change func(ch *schema.Change) error) error {
	release, err := s.o.Writes.HoldDeletions(ctx)
	if err != nil {
		return err
	}
	defer release()
	before := s.Current()
	var done *schema.Change
	var conf *settings.Revision
	apply := func(tx *sqlite.Tx) error {
		if err := authority.Check(s.o.Store, before, tx, who); err != nil {
			return err
		}
		ch := schema.NewChange(ctx, tx.Conn(), before.Collections, time.Now(), filter.Check)
		if err := change(ch); err != nil {
			return err
		}
		var err error
		if conf, err = s.o.Settings.RenameCollections(tx, ch.Renamed); err != nil {
			return err
		}
		for _, c := range ch.Made {
			c.Incarnation = s.incarnations.Add(1)
		}
		done = ch
		return writes.NoteCollections(tx, ch.Deleted)
	}
	swap := func() {
		s.replace(done.Collections())
		if conf != nil {
			s.o.Settings.Publish(conf)
		}
	}
	if err := s.o.DB.Change(ctx, apply, swap); err != nil {
		return err
	}
	if conf != nil {
		s.o.Settings.Notify()
	}
	s.settle(before, done)
	return nil
}

// settle does what follows a change of collections: actors, files and streams of those that are gone.
func (s *Service) settle(before *schema.Catalogue, ch *schema.Change) {
	for _, warning := range ch.Warnings {
		s.o.Logger.Warn("dependent view collections may need to be updated after a collection change", "error", warning)
	}
	s.o.Writes.ForgetCollections(ch.Deleted)
	after := s.Current()
	for _, c := range before.Collections {
		now := after.ByID(c.ID)
		if c.Auth != nil && (now == nil || now.Auth == nil || now.Auth.AuthToken.Secret != c.Auth.AuthToken.Secret) {
			s.o.Hub.CollectionRevoked(c.ID)
		}
	}
}
