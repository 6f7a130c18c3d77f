package troupe

import (
	"github.com/troupebase/troupe/actors/hooks"
)

// Event is what handlers get.
type Event interface {
	// Next runs what is further inside: the handlers that come after, then the server's own action. It returns their error. A
	// second call by the same handler does nothing and returns nil.
	Next() error
}

// Handler is code that is bound to a [Hook].
type Handler[E Event] struct {
	// ID names the handler: binding another one with the same ID to the hook replaces it in its place. Empty means a random one.
	ID string
	// Priority orders the handlers of a hook; the smallest is the outermost and runs first. Those of equal priority run in the
	// order in which they were bound.
	Priority int
	// Atomic asks for one transaction around a write to a record: all handlers on its way, whoever bound them, the check, the
	// statement, and what handlers read and write with the event's Context. Others write nothing meanwhile, so what was read
	// stays true until the write is committed, and nothing is left of a write that is refused. It counts in the hooks around requests,
	// validation, creating, updating and deleting, and not in those after the outcome, which run when the transaction has ended.
	//
	// All writes of the server wait while handlers run, so they should be quick and call nobody else. A transaction that takes longer
	// than a batch may, see the settings, is taken back.
	Atomic bool
	// Func is called with each event. It calls the event's Next to go on: without that, all that is further inside is left out,
	// the server's own action included, and it counts as done. An error keeps what is inside from happening when it comes
	// before Next, and is what the next handler outside gets from its own Next.
	Func func(e E) error
}

// Hook is a place in what the server does where code can be bound around it. It is safe for concurrent use; handlers bound
// or unbound while an event is under way count from the next one on. A handler that panics fails that event alone.
type Hook[E Event] struct{ list handlers[E] }

// Bind adds a handler and returns its ID.
func (h *Hook[E]) Bind(handler *Handler[E]) string { return h.list.bind(handler) }

// BindFunc adds a function with priority 0 and returns the ID that it got.
func (h *Hook[E]) BindFunc(fn func(e E) error) string { return h.list.bind(&Handler[E]{Func: fn}) }

// Unbind removes handlers by their IDs; unknown ones are passed over.
func (h *Hook[E]) Unbind(ids ...string) { h.list.Unbind(ids...) }

// UnbindAll removes all handlers of the hook, for whatever collections, those of extensions included.
func (h *Hook[E]) UnbindAll() { h.list.UnbindAll() }

// Length is the number of handlers of the hook, for whatever collections.
func (h *Hook[E]) Length() int { return h.list.Length() }

// handlers is where the handlers of a [Hook] are kept.
type handlers[E Event] interface {
	bind(handler *Handler[E]) string
	Unbind(ids ...string)
	UnbindAll()
	Length() int
}

// wrapped keeps handlers in a hook of the server, which has events of its own: enter calls a handler with the program's form
// of one.
type wrapped[E Event, I hooks.Event] struct {
	*hooks.Tagged[I]
	enter func(in I, fn func(E) error) error
}

func (w wrapped[E, I]) bind(handler *Handler[E]) string {
	fn := handler.Func
	return w.Bind(&hooks.Handler[I]{ID: handler.ID, Priority: handler.Priority, Atomic: handler.Atomic, Func: func(in I) error { return w.enter(in, fn) }})
}

// around returns a hook of the server as programs see it.
func around[E Event, I hooks.Event](hook *hooks.Tagged[I], enter func(in I, fn func(E) error) error) *Hook[E] {
	return &Hook[E]{wrapped[E, I]{hook, enter}}
}

// OnBootstrap is the hook around the opening of the data directory. It has to be bound before that.
func (a *App) OnBootstrap() *Hook[*BootstrapEvent] {
	return around(a.inner.OnBootstrap().Tag(), a.bootstrapEvent)
}

// OnServe is the hook around the beginning of serving, where routes and middlewares are added.
func (a *App) OnServe() *Hook[*ServeEvent] { return around(a.serving.Tag(), a.serveEvent) }

// OnTerminate is the hook around the end.
func (a *App) OnTerminate() *Hook[*TerminateEvent] {
	return around(a.inner.OnTerminate().Tag(), a.terminateEvent)
}

// OnRecordEnrich is the hook around each record of the collections that is shown to somebody: in answers, in what they expand,
// in realtime messages. Its handlers are called for each of them, so they should be quick, and return when the event's Context
// ends: realtime messages leave in the order of the commits, so a client whose message takes longer than two seconds goes without
// it, and writes of the collection may wait for as long.
func (a *App) OnRecordEnrich(collections ...string) *Hook[*RecordEnrichEvent] {
	return around(a.inner.Hooks.OnRecordEnrich(collections...), a.enrichEvent)
}

// OnRecordValidate is the hook around the check of a record that is created or updated. Collections are named by name or id,
// here and everywhere; none means all.
func (a *App) OnRecordValidate(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordValidate(collections...), a.recordEvent)
}

// OnRecordCreateRequest is the hook around requests to the API that create a record. The record has no id yet.
func (a *App) OnRecordCreateRequest(collections ...string) *Hook[*RecordRequestEvent] {
	return around(a.inner.Hooks.OnRecordCreateRequest(collections...), a.requestEvent)
}

// OnRecordCreate is the hook around the check and the write of a new record, which is complete by then, whoever makes it.
func (a *App) OnRecordCreate(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordCreate(collections...), a.recordEvent)
}

// OnRecordCreateExecute is the hook around the write of a new record, after its check. What is changed here is not checked
// again.
func (a *App) OnRecordCreateExecute(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordCreateExecute(collections...), a.recordEvent)
}

// OnRecordAfterCreateSuccess is the hook after a new record was committed. An error is the caller's answer and takes nothing
// back.
func (a *App) OnRecordAfterCreateSuccess(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordAfterCreateSuccess(collections...), a.recordEvent)
}

// OnRecordAfterCreateError is the hook after a create failed or was rolled back; the event's Error says why.
func (a *App) OnRecordAfterCreateError(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordAfterCreateError(collections...), a.recordEvent)
}

// OnRecordUpdateRequest is the hook around requests to the API that update a record.
func (a *App) OnRecordUpdateRequest(collections ...string) *Hook[*RecordRequestEvent] {
	return around(a.inner.Hooks.OnRecordUpdateRequest(collections...), a.requestEvent)
}

// OnRecordUpdate is [App.OnRecordCreate] for updates. The record's Original is what is stored.
func (a *App) OnRecordUpdate(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordUpdate(collections...), a.recordEvent)
}

// OnRecordUpdateExecute is [App.OnRecordCreateExecute] for updates.
func (a *App) OnRecordUpdateExecute(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordUpdateExecute(collections...), a.recordEvent)
}

// OnRecordAfterUpdateSuccess is [App.OnRecordAfterCreateSuccess] for updates.
func (a *App) OnRecordAfterUpdateSuccess(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordAfterUpdateSuccess(collections...), a.recordEvent)
}

// OnRecordAfterUpdateError is [App.OnRecordAfterCreateError] for updates.
func (a *App) OnRecordAfterUpdateError(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordAfterUpdateError(collections...), a.recordEvent)
}

// OnRecordDeleteRequest is the hook around requests to the API that delete a record.
func (a *App) OnRecordDeleteRequest(collections ...string) *Hook[*RecordRequestEvent] {
	return around(a.inner.Hooks.OnRecordDeleteRequest(collections...), a.requestEvent)
}

// OnRecordDelete is the hook around the deletion of a record, also of one that goes along with another.
func (a *App) OnRecordDelete(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordDelete(collections...), a.recordEvent)
}

// OnRecordDeleteExecute is the hook around the deletion itself and what goes along with it.
func (a *App) OnRecordDeleteExecute(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordDeleteExecute(collections...), a.recordEvent)
}

// OnRecordAfterDeleteSuccess is [App.OnRecordAfterCreateSuccess] for deletions.
func (a *App) OnRecordAfterDeleteSuccess(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordAfterDeleteSuccess(collections...), a.recordEvent)
}

// OnRecordAfterDeleteError is [App.OnRecordAfterCreateError] for deletions.
func (a *App) OnRecordAfterDeleteError(collections ...string) *Hook[*RecordEvent] {
	return around(a.inner.Hooks.OnRecordAfterDeleteError(collections...), a.recordEvent)
}
