package catalogue

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/actors/settings"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Foreign is told that another process wrote to the file. It does not wait: collections and settings are read again in the background.
// What comes before [Service.Start] is done then.
func (s *Service) Foreign() {
	if s.closing.Load() || !s.foreign.CompareAndSwap(false, true) || !s.started.Load() {
		return
	}
	s.follow()
}

// follow reads collections and settings again on a goroutine of its own.
func (s *Service) follow() {
	const doing = "reload"
	routine.In(&s.background, func() {
		s.foreign.Store(false)
		if err := s.reload(); err != nil {
			s.o.Logger.Error(doing, "error", err)
		}
	}, func(p *routine.Panic) { s.o.Logger.Error(doing, "error", p, "stack", string(p.Stack)) })
}

// reload reads collections and settings again after another process wrote to the file.
func (s *Service) reload() error {
	ctx := context.Background()
	err := s.submit(ctx, &command{run: func() error {
		var list []*schema.Collection
		var conf *settings.Revision
		return s.o.DB.Change(ctx, func(tx *sqlite.Tx) (err error) {
			if list, err = schema.Load(tx.Conn()); err != nil {
				return err
			}
			s.number(list, s.Current())
			conf, err = s.o.Settings.Read(tx.Conn())
			return err
		}, func() {
			s.replace(list)
			s.o.Settings.Publish(conf)
		})
	}})
	if err != nil && !errors.Is(err, sqlite.ErrClosed) {
		return fmt.Errorf("reload after a change by another process: %w", err)
	}
	s.o.Settings.Notify()
	return nil
}
