package wasmhost

import "context"

// Reload looks at the directory now: it loads what is new or has other content than before, and unloads what is gone. A file that cannot be loaded, has a name that
// another one has, or is refused by [Options.Changed] or [Options.Raise] is logged and among what [Manager.Refused] returns, and what was loaded of it before
// stays. It returns when everything that is under way is in place or refused; what is ready earlier does not wait for the rest. The error is one of reading the
// directory, which changes nothing, or of ctx, which ends the waiting only.
func (m *Manager) Reload(ctx context.Context) error { return m.look(ctx, false) }

// look has the directory looked at and waits for what comes of it.
func (m *Manager) look(ctx context.Context, opening bool) error {
	a := &ask{opening: opening, done: make(chan struct{})}
	if err := hand(ctx, m, m.loader.asks, a); err != nil {
		return err
	}
	if err := await(ctx, m, a.done); err != nil {
		return err
	}
	return a.err
}

// lookSoon has the directory looked at and does not wait. What goes wrong is in the log.
func (m *Manager) lookSoon() {
	_ = hand(context.Background(), m, m.loader.asks, &ask{done: make(chan struct{})}) // unless it is closed
}

// Raise raises an event: [Options.Raise] is called for all extensions in place, several at a time, and has to succeed before any other comes in place from now on.
// Those that fail leave, and are tried again by and by. It returns when they have left.
func (m *Manager) Raise(ctx context.Context, event string) error {
	return m.raiseAndWait(ctx, &raising{event: event, done: make(chan struct{})})
}

// Propose hands what is in place to [Options.Changed] once more, because something else has changed that it may collide with. Who is to blame leaves.
func (m *Manager) Propose(ctx context.Context) error {
	return m.raiseAndWait(ctx, &raising{again: true, done: make(chan struct{})})
}

func (m *Manager) raiseAndWait(ctx context.Context, r *raising) error {
	if err := hand(ctx, m, m.loader.raises, r); err != nil {
		return err
	}
	return await(ctx, m, r.done)
}

// hand gives v to the loader.
func hand[T any](ctx context.Context, m *Manager, to chan<- T, v T) error {
	if m.closing.Load() {
		return ErrClosed
	}
	select {
	case to <- v:
		return nil
	case <-m.loader.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await waits until the loader has done something.
func await(ctx context.Context, m *Manager, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-m.loader.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}
