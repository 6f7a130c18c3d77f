package app

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Settings returns the current settings: one atomic load. They are not to be changed.
func (a *App) Settings() *settings.Settings { return a.settings.now.Load() }

// SaveSettings stores what change makes of the current settings and returns the result. change may be called again and
// works only on what it is given; its error stores nothing and is returned. In a transaction it fails with writes.ErrInTransaction.
func (a *App) SaveSettings(ctx context.Context, change func(s *settings.Settings) error) (*settings.Settings, error) {
	if err := writes.Redefines(ctx); err != nil {
		return nil, fmt.Errorf("save settings: %w", err)
	}
	a.settings.saving.Lock()
	defer a.settings.saving.Unlock()
	var next *settings.Settings
	err := a.db.Do(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		if err := a.authorize(ctx, tx); err != nil {
			return err
		}
		next = a.Settings().Clone()
		if err := change(next); err != nil {
			return err
		}
		return settings.Save(tx.Conn(), next, a.opts.Key, a.now())
	}))
	if err != nil {
		return nil, err
	}
	a.settings.now.Store(next)
	a.settings.changed()
	return next, nil
}

// OnSettings registers fn to be called after every change of the settings. It must not block.
func (a *App) OnSettings(fn func()) { a.settings.listen(fn) }

// currentSettings are the settings as they are, and who is told when they change. It is safe for concurrent use.
type currentSettings struct {
	now    atomic.Pointer[settings.Settings]
	saving sync.Mutex // one change after the other

	mu        sync.Mutex
	listeners []func()
}

func (c *currentSettings) listen(fn func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.listeners = append(c.listeners, fn)
}

// changed tells the listeners.
func (c *currentSettings) changed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, fn := range c.listeners {
		fn()
	}
}
