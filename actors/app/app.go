package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/migrations"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Options configure an [App].
type Options struct {
	// Dir is the data directory; it is created when it is missing.
	Dir string
	// Sync says when an answered write is on disk; the zero value is sqlite.Full: always.
	Sync sqlite.SyncMode
	// ExpandAll expands the relations of every answer without being asked.
	ExpandAll bool
	// Key encrypts the stored settings; the zero value stores them in clear.
	Key settings.Key
	// QueryTimeout bounds a read; zero is the default of package sqlite.
	QueryTimeout time.Duration
	// Memory is how many bytes of memory the process is given: what strangers make it keep is bounded by a part of it. Zero
	// looks at the machine, its cgroup and GOMEMLIMIT.
	Memory int64
	// Exclusive keeps a second server away from the directory. The command line works beside a server without it.
	Exclusive bool
	// Disk is what uploaded files are kept on; nil is the operating system's.
	Disk files.Disk
	// HandedOver is called when a command is handed to whoever executes it, with the context of its caller, and what it returns when
	// the outcome is there. It is for tests that look whether anything reads the request after that; nil does nothing.
	HandedOver func(ctx context.Context) (done func())
	// Logger gets what happens beside requests; nil discards it.
	Logger *slog.Logger
}

// App is an open data directory and the actors that work on it. It is safe for concurrent use.
type App struct {
	opts Options
	log  *slog.Logger
	now  func() time.Time

	writes.Hooks
	bootstrap hooks.Hook[*BootstrapEvent]
	terminate hooks.Hook[*TerminateEvent]
	// shares bound what is kept for strangers, each kind by its own; together they are the budget.
	budget *budget.Budget
	shares budget.Shares

	db        *sqlite.DB
	store     *records.Store
	catalogue atomic.Pointer[schema.Catalogue]
	settings  currentSettings
	passwords *auth.Passwords
	hub       *realtime.Hub
	mail      *mailer.Mailer
	unlock    func() error
	writes    *writes.Service

	actors              *actors.System
	catalogueSupervisor *actors.Supervisor
	worker              actors.Ref
	guests              *guests.Service
	incarnations        atomic.Uint64
	changes             admission.Gate // of collections
	begun, ready        atomic.Bool    // Bootstrap was called, everything is open
	closing             atomic.Bool
	reloading           atomic.Bool
	background          sync.WaitGroup
	closeOnce           sync.Once
	closeErr            error
	releaseOnce         sync.Once
}

var (
	// ErrNotOpen says that an App was used before [App.Bootstrap].
	ErrNotOpen = errors.New("the application is not open yet")
	// ErrBegun says that an App was to be opened a second time.
	ErrBegun = errors.New("the application was opened before, which is possible once")
)

// Ready tells whether everything is open: what the App gives out is nil before.
func (a *App) Ready() bool { return a.ready.Load() }

// opened fails with [ErrNotOpen] where nothing can be done yet.
func (a *App) opened() error {
	if !a.ready.Load() {
		return ErrNotOpen
	}
	return nil
}

// New returns an App that is not open yet: hooks can be bound to it, nothing else can be done with it before
// [App.Bootstrap].
func New(o Options) *App {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Disk == nil {
		o.Disk = files.OS{}
	}
	a := &App{
		budget: newBudget(o.Memory),
		opts:   o, log: o.Logger, now: time.Now, passwords: auth.NewPasswords(),
	}
	a.changes = admission.Gate{Max: maxSchemaChanges, Closing: &a.closing}
	a.shares = a.budget.Shares()
	return a
}

// newBudget is the one place where the budget of an App is made.
func newBudget(memory int64) *budget.Budget {
	if memory > 0 {
		return budget.Given(memory)
	}
	return budget.FromMemory(budget.Memory())
}

// Budget returns how much may be kept for strangers in all.
func (a *App) Budget() *budget.Budget { return a.budget }

// Shares returns what bounds the bytes that are kept for strangers.
func (a *App) Shares() budget.Shares { return a.shares }

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
	if err := os.MkdirAll(a.opts.Dir, files.DirMode); err != nil {
		return fmt.Errorf("create data directory: %w", err)
	}
	if a.opts.Exclusive {
		a.warnOfModes()
		if a.unlock, err = sqlite.LockDir(a.opts.Dir); err != nil {
			return fmt.Errorf("open data directory %s: %w", a.opts.Dir, err)
		}
	}
	if err := a.load(); err != nil {
		return fmt.Errorf("open data directory %s: %w", a.opts.Dir, err)
	}
	return a.start(ctx)
}

// load makes the tables of a fresh directory and reads collections and settings.
func (a *App) load() (err error) {
	data, err := openFile(filepath.Join(a.opts.Dir, "data.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	aux, err := openFile(filepath.Join(a.opts.Dir, "auxiliary.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, aux.Close()) }()
	if err := migrations.Bootstrap(data, aux, a.now()); err != nil {
		return err
	}
	if err := records.CreateTables(data); err != nil {
		return err
	}
	list, err := schema.Load(data)
	if err != nil {
		return err
	}
	conf, err := settings.Load(data, a.opts.Key)
	if err != nil {
		return err
	}
	a.count(list, nil)
	a.catalogue.Store(schema.NewCatalogue(1, list))
	a.settings.now.Store(conf)
	return nil
}

// busyTimeout is how long opening waits for another process that writes.
const busyTimeout = 10 * time.Second

// openFile opens a database file, and makes it for nobody else to read when it is missing. What SQLite puts beside it gets
// the same mode.
func openFile(path string) (*zsqlite.Conn, error) {
	made, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, files.FileMode)
	if err == nil {
		err = made.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	conn, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite, zsqlite.OpenCreate, zsqlite.OpenWAL)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	conn.SetBusyTimeout(busyTimeout)
	return conn, nil
}

// start opens the database for work and spawns the actors.
func (a *App) start(ctx context.Context) (err error) {
	if a.actors, err = actors.NewSystem("troupe", a.log); err != nil {
		return err
	}
	if a.catalogueSupervisor, err = a.actors.Root().Supervisor("catalogue"); err != nil {
		return err
	}
	if err := a.startMailer(); err != nil {
		return err
	}
	props := actors.NewProps(func() actors.Actor { return catalogueWorker{a} }, nil)
	if a.worker, err = a.catalogueSupervisor.Spawn(props, "worker"); err != nil {
		return err
	}
	a.hub = realtime.NewHub(realtime.Options{
		Logger:     a.log,
		Catalogue:  a.Catalogue,
		Supervisor: a.actors.Root(),
		Topics:     a.shares.Topics,
		Streams:    a.shares.Streams,
	})
	a.db, err = sqlite.Open(ctx, sqlite.Options{
		Path:       filepath.Join(a.opts.Dir, "data.db"),
		Sync:       a.opts.Sync,
		Logger:     a.log,
		ReadLimit:  a.opts.QueryTimeout,
		Committing: a.hub.Committing,
		Committed:  a.committed,
		Foreign:    a.foreign,
		Rows:       a.shares.Rows,
	})
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	a.store = records.NewStore(a.db, a.Catalogue, records.Options{
		ExpandAll: a.opts.ExpandAll, Enricher: a.Enricher(), Passwords: a.Passwords(), Filters: a.shares.Filters, Rows: a.shares.Rows,
	})
	a.writes = writes.New(writes.Options{
		Logger: a.log, Dir: a.opts.Dir, OneServer: a.opts.Exclusive, Disk: a.opts.Disk, HandedOver: a.opts.HandedOver, Supervisor: a.catalogueSupervisor,
		DB: a.db, Store: a.store, Hub: a.hub, Hooks: &a.Hooks, Catalogue: a.Catalogue, Settings: a.Settings,
	})
	a.guests = a.newGuests()
	if err := a.hub.Start(a.db, a.store); err != nil {
		return err
	}
	if err := a.writes.Start(ctx); err != nil {
		return fmt.Errorf("settle files and deletions: %w", err)
	}
	a.ready.Store(true)
	return nil
}

// Store returns the way to the records.
func (a *App) Store() *records.Store { return a.store }

// DB returns the database.
func (a *App) DB() *sqlite.DB { return a.db }

// Files returns the store of uploaded files.
func (a *App) Files() *files.Local { return a.writes.Files() }

// Writes returns the way in for everything that is written.
func (a *App) Writes() *writes.Service { return a.writes }

// Realtime returns the hub of the event streams.
func (a *App) Realtime() *realtime.Hub { return a.hub }

// Actors returns the actor system, which ends with the App.
func (a *App) Actors() *actors.System { return a.actors }

// Passwords returns the functions that hash and compare passwords, a few at a time.
func (a *App) Passwords() records.Passwords { return a.passwords.Functions() }

// Dir returns the data directory.
func (a *App) Dir() string { return a.opts.Dir }

// committed is told of each group that the Writer committed, on the Writer's goroutine.
func (a *App) committed(g sqlite.Group) {
	a.writes.Committed(g)
	a.hub.Committed(g)
}

// goSafe runs fn on a goroutine of its own; failures and panics are logged. Close waits for it.
func (a *App) goSafe(fn func() error, doing string) {
	routine.In(&a.background, func() {
		if err := fn(); err != nil {
			a.log.Error(doing, "error", err)
		}
	}, a.panicked(doing))
}

// panicked logs the panic of a goroutine.
func (a *App) panicked(doing string) func(p *routine.Panic) {
	return func(p *routine.Panic) { a.log.Error(doing, "error", p, "stack", string(p.Stack)) }
}

// foreign is told that another process wrote to the file.
func (a *App) foreign() {
	if a.closing.Load() || !a.reloading.CompareAndSwap(false, true) {
		return
	}
	a.goSafe(func() error {
		a.reloading.Store(false)
		return a.reload()
	}, "reload")
}
