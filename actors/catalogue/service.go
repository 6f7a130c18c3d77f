package catalogue

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/actors/settings"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Options are what a [Service] needs to change collections.
type Options struct {
	// Logger gets what happens beside requests.
	Logger *slog.Logger
	// Supervisor is below which the worker runs.
	Supervisor *actors.Supervisor
	DB         *sqlite.DB
	Store      *records.Store
	// Writes is told of the collections that are gone, and holds deletions in pieces back while collections change.
	Writes *writes.Service
	// Hub ends the streams of those whose tokens do not count any more.
	Hub *realtime.Hub
	// Settings name collections, too, and follow them.
	Settings *settings.Service
	// HandedOver is called when a change is handed to the worker, with the context of its caller, and what it returns when the outcome
	// is there. It is for tests; nil does nothing.
	HandedOver func(ctx context.Context) (done func())
}

// Service holds the current collections. Make one with [New]. It is safe for concurrent use; [Service.Load] and [Service.Start] are
// called before anybody else calls it, but for [Service.Foreign].
type Service struct {
	o       Options
	worker  actors.Ref
	now     atomic.Pointer[schema.Catalogue]
	changes admission.Gate
	// incarnations counts the collections that were made or read: one that is deleted and made again is another one.
	incarnations atomic.Uint64

	started, closing atomic.Bool
	foreign          atomic.Bool // another process wrote to the file after it was read
	background       sync.WaitGroup
}

// New returns a service without collections.
func New() *Service {
	s := new(Service)
	s.changes = admission.Gate{Max: maxChanges, Closing: &s.closing}
	return s
}

// Load reads the collections of a data directory.
func (s *Service) Load(conn *zsqlite.Conn) error {
	list, err := schema.Load(conn)
	if err != nil {
		return err
	}
	s.number(list, nil)
	s.now.Store(schema.NewCatalogue(1, list))
	return nil
}

// Start takes changes from now on.
func (s *Service) Start(o Options) (err error) {
	s.o = o
	props := actors.NewProps(func() actors.Actor { return worker{s} }, nil)
	if s.worker, err = o.Supervisor.Spawn(props, "worker"); err != nil {
		return err
	}
	s.started.Store(true)
	if s.foreign.Load() {
		s.follow()
	}
	return nil
}

// Close refuses changes from now on.
func (s *Service) Close() { s.closing.Store(true) }

// Stop waits for what runs in the background. It is called after [Service.Close], once the database is closed.
func (s *Service) Stop() { s.background.Wait() }

// Current returns the current collections: one atomic load. It is nil before [Service.Load]. Inside of a read it belongs to the tables.
func (s *Service) Current() *schema.Catalogue { return s.now.Load() }

// replace makes collections the current ones, under the next number. It is called with the gate of the database closed.
func (s *Service) replace(list []*schema.Collection) {
	s.now.Store(schema.NewCatalogue(s.Current().Number+1, list))
}

// number gives collections that were read from the file their incarnations: those of before where they are the same ones.
func (s *Service) number(list []*schema.Collection, before *schema.Catalogue) {
	for _, c := range list {
		if before != nil {
			if old := before.ByID(c.ID); old != nil && old.Created == c.Created {
				c.Incarnation = old.Incarnation
				continue
			}
		}
		c.Incarnation = s.incarnations.Add(1)
	}
}
