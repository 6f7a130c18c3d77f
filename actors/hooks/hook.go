package hooks

import (
	"cmp"
	"crypto/rand"
	"slices"
	"sync"
	"sync/atomic"
)

// Handler is user code bound to a hook.
type Handler[E Event] struct {
	// Func is called with the event. It calls the event's Next to go on.
	Func func(e E) error
	// ID names the handler: binding another one with the same ID replaces it in its place. Bind makes one up when it is empty.
	ID string
	// Priority orders handlers, smaller ones run further outside.
	Priority int
	// Tags limit the handler to events that have one of them; none means all events.
	Tags []string
	// Atomic asks for one transaction around the whole chain, see [Hook.Atomic].
	Atomic bool
}

// Hook is a list of handlers. The zero value has none and is ready; it is safe for concurrent use.
type Hook[E Event] struct {
	mu   sync.Mutex
	list atomic.Pointer[[]*Handler[E]] // sorted; never changed in place
}

// Bind adds a handler and returns its ID.
func (h *Hook[E]) Bind(handler *Handler[E]) string {
	own := *handler
	if own.ID == "" {
		own.ID = rand.Text()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	list := slices.Clone(h.handlers())
	if i := slices.IndexFunc(list, func(other *Handler[E]) bool { return other.ID == own.ID }); i >= 0 {
		list[i] = &own
	} else {
		list = append(list, &own)
	}
	slices.SortStableFunc(list, func(a, b *Handler[E]) int { return cmp.Compare(a.Priority, b.Priority) })
	h.list.Store(&list)
	return own.ID
}

// BindFunc adds a function with priority 0 for all events and returns the ID that it got.
func (h *Hook[E]) BindFunc(fn func(e E) error) string { return h.Bind(&Handler[E]{Func: fn}) }

// Unbind removes the handlers with these IDs; unknown ones are passed over.
func (h *Hook[E]) Unbind(ids ...string) {
	h.keep(func(handler *Handler[E]) bool { return !slices.Contains(ids, handler.ID) })
}

// UnbindAll removes all handlers.
func (h *Hook[E]) UnbindAll() { h.keep(func(*Handler[E]) bool { return false }) }

// Replace removes the handlers that old chooses and adds others, as one step: no event sees a state between.
func (h *Hook[E]) Replace(old func(id string) bool, with []*Handler[E]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*Handler[E]
	for _, handler := range h.handlers() {
		if !old(handler.ID) {
			list = append(list, handler)
		}
	}
	list = append(list, with...)
	slices.SortStableFunc(list, func(a, b *Handler[E]) int { return cmp.Compare(a.Priority, b.Priority) })
	h.list.Store(&list)
}

func (h *Hook[E]) keep(wanted func(*Handler[E]) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var list []*Handler[E]
	for _, handler := range h.handlers() {
		if wanted(handler) {
			list = append(list, handler)
		}
	}
	h.list.Store(&list)
}

// Length is the number of handlers.
func (h *Hook[E]) Length() int { return len(h.handlers()) }

// Bound tells whether any handler would run for an event with these tags.
func (h *Hook[E]) Bound(tags ...string) bool {
	for _, handler := range h.handlers() {
		if handler.runsFor(tags) {
			return true
		}
	}
	return false
}

// Atomic tells whether any handler that would run for an event with these tags asks for one transaction around the chain, the
// server's own action included. Who triggers the hook sees to it.
func (h *Hook[E]) Atomic(tags ...string) bool {
	for _, handler := range h.handlers() {
		if handler.Atomic && handler.runsFor(tags) {
			return true
		}
	}
	return false
}

// runsFor tells whether the handler runs for an event with these tags.
func (handler *Handler[E]) runsFor(tags []string) bool {
	if len(handler.Tags) == 0 {
		return true
	}
	for _, tag := range tags {
		if slices.Contains(handler.Tags, tag) {
			return true
		}
	}
	return false
}

func (h *Hook[E]) handlers() []*Handler[E] {
	if list := h.list.Load(); list != nil {
		return *list
	}
	return nil
}

// Tagged is a hook seen through tags: handlers that are bound here run only for events that have one of them. It is safe
// for concurrent use.
type Tagged[E Event] struct {
	hook *Hook[E]
	tags []string
}

// Tag returns the hook for events with one of these tags; without tags it is the hook itself.
func (h *Hook[E]) Tag(tags ...string) *Tagged[E] { return &Tagged[E]{h, tags} }

// Bind adds a handler for events with the tags and returns its ID. Tags of the handler itself are replaced.
func (t *Tagged[E]) Bind(handler *Handler[E]) string {
	own := *handler
	own.Tags = t.tags
	return t.hook.Bind(&own)
}

// BindFunc adds a function with priority 0 for events with the tags and returns the ID that it got.
func (t *Tagged[E]) BindFunc(fn func(e E) error) string { return t.Bind(&Handler[E]{Func: fn}) }

// Unbind removes handlers of the hook by ID, whatever their tags.
func (t *Tagged[E]) Unbind(ids ...string) { t.hook.Unbind(ids...) }

// UnbindAll removes all handlers of the hook, whatever their tags.
func (t *Tagged[E]) UnbindAll() { t.hook.UnbindAll() }

// Length is the number of handlers of the hook, whatever their tags.
func (t *Tagged[E]) Length() int { return t.hook.Length() }
