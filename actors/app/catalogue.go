package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxSchemaChanges is how many changes of collections may wait: each takes milliseconds and only superusers make them.
const maxSchemaChanges = 64

// schemaTimeout is how long a change of collections may wait for its turn.
const schemaTimeout = 30 * time.Second

// Catalogue returns the current collections: one atomic load.
func (a *App) Catalogue() *schema.Catalogue { return a.catalogue.Load() }

// schemaOrder is a change of collections on its way through the catalogue's worker.
type schemaOrder struct {
	admission.Turn
	reply admission.Reply
	ctx   context.Context // until when somebody waits for it

	// change is what is to be done, by value, and who is the superuser on whose behalf; nil for the server's own.
	change *SchemaChange
	who    *records.Caller
	// run is set instead where only this process can say what is to be done: a program's code, SQL of the console, another look at
	// the file.
	run func() error
}

// catalogueWorker makes the changes of collections, one after the other.
type catalogueWorker struct{ a *App }

// Receive implements actors.Actor.
func (w catalogueWorker) Receive(_ actors.Ref, message any) {
	o, ok := message.(*schemaOrder)
	if !ok || !o.Begin() {
		return
	}
	admission.Do(o.reply, func() {
		if o.run != nil {
			o.reply.Give(o.run())
			return
		}
		o.reply.Give(w.a.changeSchema(o.ctx, o.who, o.change.apply))
	})
}

// ChangeSchema is [App.ChangeCollections] for programs in this process that say in code what is to be changed: such a change cannot be
// handed to anybody else. It changes collections in one transaction, alone; the new catalogue counts before it returns. change may be
// called again, so it works only on what it is given. It returns the error of change, that of the database, or
// writes.ErrInTransaction where ctx is one of a transaction.
func (a *App) ChangeSchema(ctx context.Context, change func(ch *schema.Change) error) error {
	return a.schemaOrder(ctx, &schemaOrder{run: func() error { return a.changeSchema(ctx, authorityOf(ctx), change) }})
}

func (a *App) schemaOrder(ctx context.Context, o *schemaOrder) error {
	if err := writes.Redefines(ctx); err != nil {
		return fmt.Errorf("change collections: %w", err)
	}
	if err := a.changes.Enter(); err != nil {
		return fmt.Errorf("change collections: %w", err)
	}
	defer a.changes.Leave()
	o.ctx, o.reply = ctx, admission.NewReply()
	if a.opts.HandedOver != nil {
		defer a.opts.HandedOver(ctx)()
	}
	a.worker.Send(o)
	return o.reply.Wait(ctx, time.Now().Add(schemaTimeout), o, nil)
}

func (a *App) changeSchema(ctx context.Context, who *records.Caller, change func(ch *schema.Change) error) error {
	release, err := a.writes.HoldDeletions(ctx)
	if err != nil {
		return err
	}
	defer release()
	before := a.Catalogue()
	var done *schema.Change
	var conf *settings.Settings
	apply := func(tx *sqlite.Tx) error {
		if err := a.authorizeCaller(who, tx); err != nil {
			return err
		}
		ch := schema.NewChange(ctx, tx.Conn(), before.Collections, a.now(), filter.Check)
		if err := change(ch); err != nil {
			return err
		}
		var err error
		if conf, err = a.renameInSettings(tx, ch); err != nil {
			return err
		}
		for _, c := range ch.Made {
			c.Incarnation = a.incarnations.Add(1)
		}
		done = ch
		return writes.NoteCollections(tx, ch.Deleted)
	}
	swap := func() {
		a.catalogue.Store(schema.NewCatalogue(before.Number+1, done.Collections()))
		if conf != nil {
			a.settings.now.Store(conf)
		}
	}
	if err := a.db.Change(ctx, apply, swap); err != nil {
		return err
	}
	if conf != nil {
		a.settings.changed()
	}
	a.settleSchema(before, done)
	return nil
}

// count gives collections that were read from the file their incarnations: those of before where they are the same ones.
func (a *App) count(list []*schema.Collection, before *schema.Catalogue) {
	for _, c := range list {
		if before != nil {
			if old := before.ByID(c.ID); old != nil && old.Created == c.Created {
				c.Incarnation = old.Incarnation
				continue
			}
		}
		c.Incarnation = a.incarnations.Add(1)
	}
}

// renameInSettings lets rate limits follow the collections that got another name. It returns nil when none does.
func (a *App) renameInSettings(tx *sqlite.Tx, ch *schema.Change) (*settings.Settings, error) {
	if len(ch.Renamed) == 0 {
		return nil, nil
	}
	conf := a.Settings().Clone()
	changed := false
	for _, r := range ch.Renamed {
		changed = conf.RenameCollection(r.Old, r.New) || changed
	}
	if !changed {
		return nil, nil
	}
	return conf, settings.Save(tx.Conn(), conf, a.opts.Key, a.now())
}

// settleSchema does what follows a change of collections: actors, files and streams of those that are gone.
func (a *App) settleSchema(before *schema.Catalogue, ch *schema.Change) {
	for _, warning := range ch.Warnings {
		a.log.Warn("dependent view collections may need to be updated after a collection change", "error", warning)
	}
	a.writes.ForgetCollections(ch.Deleted)
	after := a.Catalogue()
	for _, c := range before.Collections {
		now := after.ByID(c.ID)
		if c.Auth != nil && (now == nil || now.Auth == nil || now.Auth.AuthToken.Secret != c.Auth.AuthToken.Secret) {
			a.hub.CollectionRevoked(c.ID)
		}
	}
}

// reload reads collections and settings again after another process wrote to the file.
func (a *App) reload() error {
	ctx := context.Background()
	err := a.schemaOrder(ctx, &schemaOrder{run: func() error {
		var list []*schema.Collection
		var conf *settings.Settings
		return a.db.Change(ctx, func(tx *sqlite.Tx) (err error) {
			if list, err = schema.Load(tx.Conn()); err != nil {
				return err
			}
			a.count(list, a.Catalogue())
			conf, err = settings.Load(tx.Conn(), a.opts.Key)
			return err
		}, func() {
			a.catalogue.Store(schema.NewCatalogue(a.Catalogue().Number+1, list))
			a.settings.now.Store(conf)
		})
	}})
	if err != nil && !errors.Is(err, sqlite.ErrClosed) {
		return fmt.Errorf("reload after a change by another process: %w", err)
	}
	a.settings.changed()
	return nil
}
