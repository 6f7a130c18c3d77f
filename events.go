package troupe

import (
	"context"
	"net"

	inner "github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/records"
)

// Handlers of one hook share the server's event. Each gets a form of its own of it, which takes over what was changed around
// Next in both directions; so it is used by its handler only, and only until that returns.

// BootstrapEvent is the opening of the data directory: before Next nothing is open, after it everything is.
type BootstrapEvent struct {
	App *App
	in  *inner.BootstrapEvent
}

// Next opens the data directory; see [Event].
func (e *BootstrapEvent) Next() error { return e.in.Next() }

// Context is the context of the start.
func (e *BootstrapEvent) Context() context.Context { return e.in.Context() }

func (a *App) bootstrapEvent(in *inner.BootstrapEvent, fn func(*BootstrapEvent) error) error {
	return fn(&BootstrapEvent{App: a, in: in})
}

// TerminateEvent is the end of an [App]: before Next it still works, after it everything is closed.
type TerminateEvent struct {
	App *App
	in  *inner.TerminateEvent
}

// Next closes everything; see [Event].
func (e *TerminateEvent) Next() error { return e.in.Next() }

func (a *App) terminateEvent(in *inner.TerminateEvent, fn func(*TerminateEvent) error) error {
	return fn(&TerminateEvent{App: a, in: in})
}

// ServeEvent is the beginning of serving: before Next routes and middlewares can be added, after it requests are answered.
type ServeEvent struct {
	App *App
	// Router collects the program's routes and middlewares.
	Router *Router
	// Listener is what connections come from; another one may be put in its place before Next.
	Listener net.Listener

	in *api.ServeEvent
}

// Next begins to answer requests; see [Event].
func (e *ServeEvent) Next() error {
	e.give()
	err := e.in.Next()
	e.Router, e.Listener = e.in.Router, e.in.Listener
	return err
}

func (e *ServeEvent) give() { e.in.Router, e.in.Listener = e.Router, e.Listener }

// Context ends when serving is to end.
func (e *ServeEvent) Context() context.Context { return e.in.Context() }

func (a *App) serveEvent(in *api.ServeEvent, fn func(*ServeEvent) error) error {
	e := &ServeEvent{App: a, Router: in.Router, Listener: in.Listener, in: in}
	err := fn(e)
	e.give()
	return err
}

// Action is what is done to a record.
type Action = records.Action

const (
	// Created says that a record is made.
	Created Action = records.Created
	// Updated says that a record is changed.
	Updated Action = records.Updated
	// Deleted says that a record is removed.
	Deleted Action = records.Deleted
)

// RecordEvent is a write of one record, at one of its stages.
type RecordEvent struct {
	App *App
	// Action is what is done to the record.
	Action Action
	// Record is the record: as it is to be written, and after that as it was. Handlers may change it, or put another record of
	// the same collection in its place.
	Record *Record
	// Error is why the write failed, in the hooks that come after an error.
	Error error

	in *writes.RecordEvent
}

// Next does what the hook is around; see [Event].
func (e *RecordEvent) Next() error {
	e.give()
	err := e.in.Next()
	e.Record, e.Error = e.in.Record, e.in.Error
	return err
}

func (e *RecordEvent) give() { e.in.Record, e.in.Error = e.Record, e.Error }

// Context carries the chain of calls: what is read or written with it belongs to the transaction that the write is part of,
// and does not wait for the write itself.
func (e *RecordEvent) Context() context.Context { return e.in.Context() }

func (a *App) recordEvent(in *writes.RecordEvent, fn func(*RecordEvent) error) error {
	e := &RecordEvent{App: a, Action: in.Action, Record: in.Record, Error: in.Error, in: in}
	err := fn(e)
	e.give()
	return err
}

// RecordRequestEvent is a request to the API that writes one record. The rule was met by the record as it was requested;
// what handlers change is not judged again.
type RecordRequestEvent struct {
	App *App
	// Request is the request and on whose behalf it runs.
	Request Request
	// Action is what is to be done.
	Action Action
	// Collection is the record's.
	Collection *Collection
	// Record is the record as the request made it, and after Next as it was written.
	Record *Record

	in *writes.RecordRequestEvent
}

// Next writes the record, with the hooks around that, and answers the request; see [Event].
func (e *RecordRequestEvent) Next() error {
	e.in.Record = e.Record
	err := e.in.Next()
	e.Record = e.in.Record
	return err
}

// Context is as in [RecordEvent].
func (e *RecordRequestEvent) Context() context.Context { return e.in.Context() }

func (a *App) requestEvent(in *writes.RecordRequestEvent, fn func(*RecordRequestEvent) error) error {
	e := &RecordRequestEvent{App: a, Request: Request{in.RequestInfo}, Action: in.Action, Collection: in.Collection, Record: in.Record, in: in}
	err := fn(e)
	in.Record = e.Record
	return err
}

// RecordEnrichEvent is a record on its way to whoever asked for it. Handlers may change, hide and add what is shown; the
// server's own part, which decides about hidden fields and emails, is the innermost action.
type RecordEnrichEvent struct {
	App *App
	// Request is on whose behalf the record is shown; its Situation says where.
	Request Request
	// Shown is the copy that is shown.
	Shown *Shown

	in *writes.RecordEnrichEvent
}

// Next decides what is shown; see [Event].
func (e *RecordEnrichEvent) Next() error { return e.in.Next() }

// Context carries the chain of calls. Nothing can be written with it.
func (e *RecordEnrichEvent) Context() context.Context { return e.in.Context() }

func (a *App) enrichEvent(in *writes.RecordEnrichEvent, fn func(*RecordEnrichEvent) error) error {
	return fn(&RecordEnrichEvent{App: a, Request: Request{in.RequestInfo}, Shown: in.Shown, in: in})
}

// Shown is a copy of one record on its way to one caller. Record returns the copy; Set replaces what is shown under a name,
// or adds a key of its own; Hide and Show leave fields out and show those that are hidden by their definition. One goroutine
// may use it, until the handler returns. The secrets of auth records are not shown whatever is done to it.
type Shown = records.Shown
