package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/actors/console"
	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/settings"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Open is [New] and [App.Bootstrap].
func Open(ctx context.Context, o Options) (*App, error) {
	a := New(o)
	if err := a.Bootstrap(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// Bootstrap opens the data directory and starts the actors. The caller closes the App when it succeeds; it is called once, and
// fails with [ErrBegun] after that.
func (a *App) Bootstrap(ctx context.Context) (err error) {
	if !a.begun.CompareAndSwap(false, true) {
		return ErrBegun
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.release())
		}
	}()
	e := &BootstrapEvent{ctx: ctx}
	opened := false
	err = a.bootstrap.Trigger(e, func(*BootstrapEvent) error {
		opened = true
		return a.open(ctx)
	})
	if err == nil && !opened {
		err = errors.New("a bootstrap hook kept the data directory closed")
	}
	return err
}

func (a *App) open(ctx context.Context) (err error) {
	dir := a.opts.Dir
	if err := os.MkdirAll(dir, files.DirMode); err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	if a.opts.Exclusive {
		warnOfModes(a.opts.Logger, dir)
		if a.unlock, err = sqlite.LockDir(dir); err != nil {
			return fmt.Errorf("open data directory %s: %w", dir, err)
		}
	}
	if err := prepareDirectory(dir, a.Catalogue.Load, a.Settings.Load); err != nil {
		return fmt.Errorf("open data directory %s: %w", dir, err)
	}
	if err := a.start(ctx); err != nil {
		return err
	}
	a.ready.Store(true)
	return nil
}

// start opens the database for work, makes the services and spawns the actors.
func (a *App) start(ctx context.Context) (err error) {
	log := a.opts.Logger
	if a.Actors, err = actors.NewSystem("troupe", log); err != nil {
		return err
	}
	supervisor, err := a.Actors.Root().Supervisor("catalogue")
	if err != nil {
		return err
	}
	a.Mailer, err = mailer.Start(mailer.Options{Logger: log, Settings: a.Settings.Current, Supervisor: a.Actors.Root()})
	if err != nil {
		return err
	}
	a.Realtime = realtime.NewHub(realtime.Options{
		Logger: log, Catalogue: a.Catalogue.Current, Supervisor: a.Actors.Root(), Topics: a.Shares.Topics, Streams: a.Shares.Streams,
	})
	a.DB, err = sqlite.Open(ctx, sqlite.Options{
		Path:       filepath.Join(a.opts.Dir, "data.db"),
		Sync:       a.opts.Sync,
		Logger:     log,
		ReadLimit:  a.opts.QueryTimeout,
		Committing: a.Realtime.Committing,
		Committed:  a.committed,
		Foreign:    a.Catalogue.Foreign,
		Rows:       a.Shares.Rows,
	})
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	a.Store = records.NewStore(a.DB, a.Catalogue.Current, records.Options{
		ExpandAll: a.opts.ExpandAll, Enricher: a.Hooks.Enricher(), Passwords: a.Passwords, Filters: a.Shares.Filters, Rows: a.Shares.Rows,
	})
	a.Writes = writes.New(writes.Options{
		Logger: log, Dir: a.opts.Dir, OneServer: a.opts.Exclusive, Disk: a.opts.Disk, HandedOver: a.opts.HandedOver, Supervisor: supervisor,
		DB: a.DB, Store: a.Store, Hub: a.Realtime, Hooks: &a.Hooks, Catalogue: a.Catalogue.Current, Settings: a.Settings.Current,
	})
	a.Settings.Start(settings.Options{DB: a.DB, Store: a.Store, Catalogue: a.Catalogue.Current})
	err = a.Catalogue.Start(catalogue.Options{
		Logger: log, Supervisor: supervisor, DB: a.DB, Store: a.Store, Writes: a.Writes, Hub: a.Realtime, Settings: a.Settings, HandedOver: a.opts.HandedOver,
	})
	if err != nil {
		return err
	}
	a.Records = programs.NewRecords(a.Catalogue.Current, a.Store, a.Writes)
	a.Console = console.New(a.DB, a.Store, a.Catalogue)
	a.Guests = guests.New(guests.Options{
		Logger: log, DB: a.DB, Store: a.Store, Catalogue: a.Catalogue.Current, Writes: a.Writes, Hooks: &a.Hooks, Endings: a.bindEndings,
	})
	if err := a.Realtime.Start(a.DB, a.Store); err != nil {
		return err
	}
	if err := a.Writes.Start(ctx); err != nil {
		return fmt.Errorf("settle files and deletions: %w", err)
	}
	return nil
}

// committed is told of each group that the Writer committed, on the Writer's goroutine.
func (a *App) committed(g sqlite.Group) {
	a.Writes.Committed(g)
	a.Realtime.Committed(g)
}
