package app

import (
	"context"

	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/hooks"
)

// BootstrapEvent is the start of an [App]: before Next nothing is open, after it everything is.
type BootstrapEvent struct {
	hooks.Base
	ctx context.Context
}

// Context is the context of the start.
func (e *BootstrapEvent) Context() context.Context { return e.ctx }

// TerminateEvent is the end of an [App]: before Next it still works, after it everything is closed.
type TerminateEvent struct{ hooks.Base }

// OnBootstrap is the hook around the start. It has to be bound before [App.Bootstrap].
func (a *App) OnBootstrap() *hooks.Hook[*BootstrapEvent] { return &a.bootstrap }

// OnTerminate is the hook around the end.
func (a *App) OnTerminate() *hooks.Hook[*TerminateEvent] { return &a.terminate }

// bindEndings puts handlers of extensions around the end, in the place of those whose id old tells.
func (a *App) bindEndings(old func(id string) bool, with []guests.Ending) {
	list := make([]*hooks.Handler[*TerminateEvent], len(with))
	for i, ending := range with {
		list[i] = &hooks.Handler[*TerminateEvent]{
			ID: ending.ID, Priority: ending.Priority, Func: func(e *TerminateEvent) error { return ending.Func(e.Next) },
		}
	}
	a.terminate.Replace(old, list)
}
