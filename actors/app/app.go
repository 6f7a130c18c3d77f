package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/actors/console"
	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/settings"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	stored "github.com/troupebase/troupe/storage/settings"
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
	Key stored.Key
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

// App is an open data directory: it makes the services that work on one, hands them out, and closes them. Its fields are not to be
// changed. It is safe for concurrent use.
type App struct {
	// Hooks are those around records. Handlers may be bound at any time.
	Hooks writes.Hooks
	// Catalogue has the collections, and Settings the settings: none before [App.Bootstrap].
	Catalogue *catalogue.Service
	Settings  *settings.Service
	// Passwords are the functions that hash and compare passwords, a few at a time.
	Passwords records.Passwords
	// Budget is how much may be kept for strangers in all, and Shares bound each kind of it.
	Budget *budget.Budget
	Shares budget.Shares

	// What follows is nil before [App.Bootstrap], see [App.Ready].

	DB *sqlite.DB
	// Store is the way to read records, Writes the way in for everything that is written, and Records both for Go programs.
	Store   *records.Store
	Writes  *writes.Service
	Records *programs.Records
	// Console runs the SQL of superusers.
	Console *console.Console
	// Realtime is the hub of the event streams.
	Realtime *realtime.Hub
	// Mailer is the queue of outgoing mail.
	Mailer *mailer.Mailer
	// Guests are the extensions, of which there are none before they are loaded.
	Guests *guests.Service
	// Actors is the actor system, which ends with the App.
	Actors *actors.System

	opts      Options
	bootstrap hooks.Hook[*BootstrapEvent]
	terminate hooks.Hook[*TerminateEvent]
	unlock    func() error

	begun, ready atomic.Bool // Bootstrap was called, everything is open
	closeOnce    sync.Once
	closeErr     error
	releaseOnce  sync.Once
}

var (
	// ErrNotOpen says that an App was used before [App.Bootstrap].
	ErrNotOpen = errors.New("the application is not open yet")
	// ErrBegun says that an App was to be opened a second time.
	ErrBegun = errors.New("the application was opened before, which is possible once")
)

// New returns an App that is not open yet: hooks can be bound to it, nothing else can be done with it before
// [App.Bootstrap].
func New(o Options) *App {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Disk == nil {
		o.Disk = files.OS{}
	}
	memory := newBudget(o.Memory)
	return &App{
		Catalogue: catalogue.New(), Settings: settings.New(o.Key), Passwords: auth.NewPasswords().Functions(),
		Budget: memory, Shares: memory.Shares(), opts: o,
	}
}

// newBudget is the one place where the budget of an App is made.
func newBudget(memory int64) *budget.Budget {
	if memory > 0 {
		return budget.Given(memory)
	}
	return budget.FromMemory(budget.Memory())
}

// Dir returns the data directory.
func (a *App) Dir() string { return a.opts.Dir }

// Ready tells whether everything is open.
func (a *App) Ready() bool { return a.ready.Load() }

// Accounts returns what accounts and sign-ins rest on.
func (a *App) Accounts() auth.Application {
	return auth.Application{DB: a.DB, Catalogue: a.Catalogue.Current, Store: a.Store, Passwords: a.Passwords, Write: a.Writes.DoCommand}
}
