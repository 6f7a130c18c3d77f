// Package settings holds the current settings of a server, and changes them; what they are and how they are stored is package
// storage/settings.
package settings

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/actors/authority"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	stored "github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Options are what a [Service] needs to change settings.
type Options struct {
	DB    *sqlite.DB
	Store *records.Store
	// Catalogue returns the current collections.
	Catalogue func() *schema.Catalogue
}

// Service holds the current settings. Make one with [New]. It is safe for concurrent use; [Service.Load] and [Service.Start] are called
// before anybody else calls it.
type Service struct {
	key stored.Key
	o   Options

	now atomic.Pointer[stored.Settings]
	// number counts revisions in the order of their transactions.
	number atomic.Uint64

	publishing sync.Mutex
	published  uint64 // the number of the current revision

	listening sync.Mutex
	listeners []func()
}

// Revision is what a transaction stored or read. It becomes current with [Service.Publish], once the transaction is committed.
type Revision struct {
	settings *stored.Settings
	number   uint64
}

// New returns a service without settings. key is what they are encrypted with.
func New(key stored.Key) *Service { return &Service{key: key} }

// Load reads the settings of a data directory.
func (s *Service) Load(conn *zsqlite.Conn) error {
	read, err := s.Read(conn)
	if err == nil {
		s.Publish(read)
	}
	return err
}

// Start gives the service what it changes settings with.
func (s *Service) Start(o Options) { s.o = o }

// Current returns the current settings: one atomic load. They are not to be changed. They are nil before [Service.Load].
func (s *Service) Current() *stored.Settings { return s.now.Load() }

// Save stores what change makes of the current settings and returns the result. change may be called again and
// works only on what it is given; its error stores nothing and is returned. In a transaction it fails with writes.ErrInTransaction.
func (s *Service) Save(ctx context.Context, change func(s *stored.Settings) error) (*stored.Settings, error) {
	if err := writes.Redefines(ctx); err != nil {
		return nil, fmt.Errorf("save settings: %w", err)
	}
	var next *Revision
	err := s.o.DB.Do(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		if err := authority.Check(s.o.Store, s.o.Catalogue(), tx, authority.Of(ctx)); err != nil {
			return err
		}
		read, err := s.Read(tx.Conn())
		if err != nil {
			return err
		}
		next = read
		if err := change(next.settings); err != nil {
			return err
		}
		return stored.Save(tx.Conn(), next.settings, s.key, time.Now())
	}))
	if err != nil {
		return nil, err
	}
	s.Publish(next)
	s.Notify()
	return next.settings, nil
}

// Watch registers fn to be called after every change of the settings. It must not block.
func (s *Service) Watch(fn func()) {
	s.listening.Lock()
	defer s.listening.Unlock()
	s.listeners = append(s.listeners, fn)
}

// RenameCollections gives rate limits the new names of collections that are renamed in the same transaction. It returns nil when no
// setting names one of them; otherwise whoever commits the transaction calls [Service.Publish] and then [Service.Notify].
func (s *Service) RenameCollections(tx *sqlite.Tx, renamed []schema.Rename) (*Revision, error) {
	if len(renamed) == 0 {
		return nil, nil
	}
	next, err := s.Read(tx.Conn())
	if err != nil {
		return nil, err
	}
	changed := false
	for _, r := range renamed {
		changed = next.settings.RenameCollection(r.Old, r.New) || changed
	}
	if !changed {
		return nil, nil
	}
	return next, stored.Save(tx.Conn(), next.settings, s.key, time.Now())
}

// Read reads the stored settings, in a transaction of the Writer. A change begins with them and not with the current ones, which may be
// older: those of the change before may be committed and not published yet.
func (s *Service) Read(conn *zsqlite.Conn) (*Revision, error) {
	read, err := stored.Load(conn, s.key)
	if err != nil {
		return nil, err
	}
	return &Revision{read, s.number.Add(1)}, nil
}

// Publish makes a revision the current one once it is committed, unless a later one is by now. It does not block.
func (s *Service) Publish(r *Revision) {
	s.publishing.Lock()
	defer s.publishing.Unlock()
	if r.number > s.published {
		s.published = r.number
		s.now.Store(r.settings)
	}
}

// Notify tells those who watch that the settings have changed.
func (s *Service) Notify() {
	s.listening.Lock()
	defer s.listening.Unlock()
	for _, fn := range s.listeners {
		fn()
	}
}
