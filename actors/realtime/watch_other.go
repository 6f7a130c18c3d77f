//go:build !linux

package realtime

import "sync"

// watcher notices hang-ups, with a goroutine for each connection. Safe for concurrent use.
type watcher struct {
	hung  func(*client)
	start func(func()) // runs something on a goroutine of its own
	done  chan struct{}
	once  sync.Once
}

// newWatcher returns a watcher that calls hung for clients whose peer is gone.
func newWatcher(hung func(*client), start func(func())) (*watcher, error) {
	return &watcher{hung: hung, start: start, done: make(chan struct{})}, nil
}

// add begins to watch a client.
func (w *watcher) add(c *client) error {
	w.start(func() { w.waitFor(c) })
	return nil
}

// await returns false: nothing tells here when a connection takes bytes.
func (w *watcher) await(*client) bool { return false }

// remove has nothing to do: the goroutine ends when the connection is closed.
func (w *watcher) remove(*client) {}

// run returns after close.
func (w *watcher) run() { <-w.done }

func (w *watcher) close() error {
	w.once.Do(func() { close(w.done) })
	return nil
}
