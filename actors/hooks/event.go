package hooks

import "slices"

// Event is what handlers get. A type becomes one by embedding [Base]; one event is used by one chain at a time.
type Event interface {
	// Next runs the rest of the chain and returns its error. A second call by the same handler does nothing and returns nil.
	Next() error
	// HasTag tells whether a handler that is limited to a tag runs for the event.
	HasTag(tag string) bool

	base() *Base
}

// Base is the part of an event that belongs to its chain. The zero value is ready.
type Base struct{ current stepper }

// stepper is a chain under way.
type stepper interface{ next() error }

func (b *Base) base() *Base { return b }

// Next implements [Event]. Outside of a trigger it does nothing.
func (b *Base) Next() error {
	if b.current == nil {
		return nil
	}
	return b.current.next()
}

// HasTag implements [Event]: an event of a hook without tags has none.
func (*Base) HasTag(string) bool { return false }

// Trigger runs the handlers around core, the innermost action; a nil core does nothing. An error that a handler made itself is
// an [*Error]; what came from further inside is passed on as it is. An event may be triggered on another hook while a
// handler or core holds it.
func (h *Hook[E]) Trigger(e E, core func(e E) error) error {
	handlers := h.handlers()
	if len(handlers) == 0 {
		if core == nil {
			return nil
		}
		return core(e)
	}
	b := e.base()
	outer := b.current
	r := &run[E]{handlers: handlers, event: e, core: core, at: -1}
	b.current = r
	defer func() { b.current = outer }()
	return r.next()
}

// run is one trigger. at is the position of the handler that runs, begun the furthest that was reached.
type run[E Event] struct {
	handlers  []*Handler[E]
	event     E
	core      func(e E) error
	at, begun int
	inner     error // what the Next of the handler that runs returned
}

func (r *run[E]) next() error {
	from := r.at
	if from >= 0 && r.begun > from || from >= len(r.handlers) {
		return nil // this handler has called it before, or it is the core, which has nothing inside
	}
	defer func() { r.at = from }()
	i := from + 1
	for i < len(r.handlers) && !r.applies(r.handlers[i]) {
		i++
	}
	r.at, r.begun = i, i
	var err error
	if i < len(r.handlers) {
		err = r.call(r.handlers[i])
	} else {
		err = r.innermost()
	}
	r.inner = err
	return err
}

func (r *run[E]) applies(handler *Handler[E]) bool {
	return len(handler.Tags) == 0 || slices.ContainsFunc(handler.Tags, r.event.HasTag)
}

// innermost runs the server's own action, which may trigger the same event on other hooks.
func (r *run[E]) innermost() error {
	if r.core == nil {
		return nil
	}
	return r.core(r.event)
}
