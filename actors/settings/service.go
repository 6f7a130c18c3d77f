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

	now    atomic.Pointer[stored.Settings]
	saving sync.Mutex // one change after the other

	mu        sync.Mutex
	listeners []func()
}

// New returns a service without settings. key is what they are encrypted with.
func New(key stored.Key) *Service { return &Service{key: key} }

// Load reads the settings of a data directory.
func (s *Service) Load(conn *zsqlite.Conn) error {
	conf, err := s.Read(conn)
	if err != nil {
		return err
	}
	s.now.Store(conf)
	return nil
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
	s.saving.Lock()
	defer s.saving.Unlock()
	var next *stored.Settings
	err := s.o.DB.Do(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		if err := authority.Check(s.o.Store, s.o.Catalogue(), tx, authority.Of(ctx)); err != nil {
			return err
		}
		next = s.Current().Clone()
		if err := change(next); err != nil {
			return err
		}
		return stored.Save(tx.Conn(), next, s.key, time.Now())
	}))
	if err != nil {
		return nil, err
	}
	s.Publish(next)
	s.Notify()
	return next, nil
}

// Watch registers fn to be called after every change of the settings. It must not block.
func (s *Service) Watch(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, fn)
}

// RenameCollections stores the settings for collections that got another name in the same transaction: rate limits follow them. It
// returns nil when no setting names them. Who commits the transaction calls [Service.Publish] and then [Service.Notify].
func (s *Service) RenameCollections(tx *sqlite.Tx, renamed []schema.Rename) (*stored.Settings, error) {
	if len(renamed) == 0 {
		return nil, nil
	}
	next := s.Current().Clone()
	changed := false
	for _, r := range renamed {
		changed = next.RenameCollection(r.Old, r.New) || changed
	}
	if !changed {
		return nil, nil
	}
	return next, stored.Save(tx.Conn(), next, s.key, time.Now())
}

// Read reads the settings as they are stored. They become the current ones with [Service.Publish].
func (s *Service) Read(conn *zsqlite.Conn) (*stored.Settings, error) { return stored.Load(conn, s.key) }

// Publish makes settings the current ones once they are committed.
func (s *Service) Publish(next *stored.Settings) { s.now.Store(next) }

// Notify tells those who watch that the settings have changed.
func (s *Service) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, fn := range s.listeners {
		fn()
	}
}
