package writes

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Options are what a [Service] takes from outside.
type Options struct {
	// Logger gets what happens beside requests.
	Logger *slog.Logger
	// Dir is the data directory. OneServer tells that no other process writes files there, so that what a crash left may be
	// cleared away.
	Dir       string
	OneServer bool
	// Disk is what files are kept on.
	Disk files.Disk
	// Supervisor is below which the collections' actors run.
	Supervisor *actors.Supervisor
	DB         *sqlite.DB
	Store      *records.Store
	// Hub is told of writers that wait, and slows those down whose changes its subscribers do not keep up with.
	Hub   *realtime.Hub
	Hooks *Hooks
	// HandedOver is called when a command is handed to whoever executes it, with the context of its caller, and what it returns when
	// the outcome is there. It is for tests; nil does nothing.
	HandedOver func(ctx context.Context) (done func())
	// Catalogue and Settings return the current ones.
	Catalogue func() *schema.Catalogue
	Settings  func() *settings.Settings
}

// Service is the way in for everything that is written. It is safe for concurrent use.
type Service struct {
	log        *slog.Logger
	oneServer  bool
	supervisor *actors.Supervisor
	db         *sqlite.DB
	store      *records.Store
	hub        *realtime.Hub
	hooks      *Hooks
	handedOver func(ctx context.Context) (done func())
	catalogue  func() *schema.Catalogue
	settings   func() *settings.Settings
	files      *files.Local
	pending    *files.Pending

	collections  collections
	spawned      atomic.Int64
	locks        recordLocks
	transactions admission.Gate
	loners       loners
	removals     removals
	remover      remover
	closing      atomic.Bool
	background   sync.WaitGroup

	// step is told how far a write with files has come; tests crash there.
	step func(step string)
}

// New returns a service that takes no writes before [Service.Start].
func New(o Options) *Service {
	s := &Service{
		log: o.Logger, oneServer: o.OneServer, supervisor: o.Supervisor, db: o.DB, store: o.Store, hub: o.Hub, hooks: o.Hooks, handedOver: o.HandedOver,
		catalogue: o.Catalogue, settings: o.Settings, remover: newRemover(),
		files:   files.NewLocal(filepath.Join(o.Dir, "storage"), o.Disk),
		pending: files.NewPending(filepath.Join(o.Dir, pendingDir), o.Disk),
	}
	s.collections.byID = make(map[string]*collectionRef)
	s.transactions = admission.Gate{Max: maxTransactions, Closing: &s.closing}
	s.removals.init()
	return s
}

// Start settles what a crash has left and goes on with what it interrupted. The hub has started by then.
func (a *Service) Start(ctx context.Context) error {
	if err := a.sweepFiles(ctx); err != nil {
		return err
	}
	a.remover.start(a)
	return a.resumeRemoval(ctx)
}

// Close refuses what comes from now on; it may be called again. What was admitted goes on, see [Service.Settle].
func (a *Service) Close() { a.closing.Store(true) }

// settleLimit bounds how long Settle waits for commands that were admitted before it began.
const settleLimit = writeTimeout + time.Second

// Settle waits until every command that was admitted has its outcome. Deletions in pieces end after the piece at hand; the next
// start goes on with them.
func (a *Service) Settle() error {
	a.removals.stop()
	for end := time.Now().Add(settleLimit); a.collections.busy() || a.transactions.Under() > 0 || a.removals.under.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("close: commands are still under way")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleLimit)
	defer cancel()
	// What others handed to the Writer came before this.
	return a.db.Do(ctx, sqlite.WorkFunc(func(*sqlite.Tx) error { return nil }))
}

// Stop ends the removal of files, for which there is a little time, and waits for what runs in the background. It is called
// while the database is still open.
func (a *Service) Stop() {
	a.remover.stop()
	a.background.Wait()
}

// Files returns the store of uploaded files.
func (a *Service) Files() *files.Local { return a.files }

// Committed is told of each group that the Writer committed, on the Writer's goroutine.
func (a *Service) Committed(g sqlite.Group) {
	for _, change := range g.Changes {
		if ch, ok := change.(*records.Change); ok && ch.Action != records.Created && hasFiles(ch.Collection) {
			a.remover.wake()
			return
		}
	}
}

func hasFiles(c *schema.Collection) bool {
	for _, f := range c.Fields {
		if f.Role() == schema.RoleFiles {
			return true
		}
	}
	return false
}

// goSafe runs fn on a goroutine of its own; failures and panics are logged. Stop waits for it.
func (a *Service) goSafe(fn func() error, doing string) {
	routine.In(&a.background, func() {
		if err := fn(); err != nil {
			a.log.Error(doing, "error", err)
		}
	}, a.panicked(doing))
}

// panicked logs the panic of a goroutine.
func (a *Service) panicked(doing string) func(p *routine.Panic) {
	return func(p *routine.Panic) { a.log.Error(doing, "error", p, "stack", string(p.Stack)) }
}
