package app

import (
	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/hooks"
)

// Guests returns the extensions, of which there are none before they are loaded. It is nil before [App.Bootstrap].
func (a *App) Guests() *guests.Service { return a.guests }

func (a *App) newGuests() *guests.Service {
	return guests.New(guests.Options{
		Logger: a.log, DB: a.db, Store: a.store, Catalogue: a.Catalogue, Writes: a.writes, Hooks: &a.Hooks, Endings: a.bindEndings,
	})
}

// bindEndings puts handlers of extensions around the end.
func (a *App) bindEndings(old func(id string) bool, with []guests.Ending) {
	list := make([]*hooks.Handler[*TerminateEvent], len(with))
	for i, ending := range with {
		list[i] = &hooks.Handler[*TerminateEvent]{
			ID: ending.ID, Priority: ending.Priority, Func: func(e *TerminateEvent) error { return ending.Func(e.Next) },
		}
	}
	a.terminate.Replace(old, list)
}
