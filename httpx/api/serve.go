package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/internal/routine"
)

// ServeEvent is the beginning of serving: before Next routes and middlewares can be added, after it requests are answered.
type ServeEvent struct {
	hooks.Base
	// Router collects the program's routes and middlewares.
	Router *httpx.Builder
	// Listener is what connections come from; another one may be put in its place before Next.
	Listener net.Listener

	ctx context.Context
}

// Context ends when serving is to end.
func (e *ServeEvent) Context() context.Context { return e.ctx }

// Serve answers the connections of ln until [API.Shutdown] or an error of ln. started is called once requests are
// answered; its error ends it all. It is called once.
func (a *API) Serve(ctx context.Context, ln net.Listener, started func(addr net.Addr) error) error {
	served := make(chan error, 1)
	e := &ServeEvent{Router: a.extensions.program(), Listener: ln, ctx: ctx}
	serving := false
	err := a.serving.Trigger(e, func(e *ServeEvent) error {
		router, err := e.Router.Build()
		if err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		if err := errors.Join(a.extensions.setBase(ctx, router), a.guests.Serving(ctx)); err != nil {
			return fmt.Errorf("serve: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("serve: %w", err) // whoever ends ctx has called Shutdown by now, perhaps, and will not again
		}
		serving = true
		ln := &listener{Listener: e.Listener}
		a.listening.Store(ln)
		routine.Go(func() { served <- a.server.Serve(ln) }, func(p *routine.Panic) { served <- p })
		if started == nil {
			return nil
		}
		return started(e.Listener.Addr())
	})
	switch {
	case !serving:
		if err == nil {
			err = errors.New("serve: a hook kept the server from listening")
		}
		return errors.Join(err, e.Listener.Close())
	case err != nil:
		return errors.Join(err, a.Shutdown(ctx), <-served)
	}
	return <-served
}

// Shutdown closes the listener and waits for running requests until ctx ends.
func (a *API) Shutdown(ctx context.Context) error {
	var err error
	if ln := a.listening.Load(); ln != nil {
		err = ln.Close() // the server may not know it yet, when it has just begun
	}
	return errors.Join(err, a.server.Shutdown(ctx))
}

// listener is closed once, whoever closes it. It is safe for concurrent use.
type listener struct {
	net.Listener
	once sync.Once
	err  error
}

// Close implements net.Listener.
func (l *listener) Close() error {
	l.once.Do(func() { l.err = l.Listener.Close() })
	return l.err
}

// Router returns the current routes.
func (a *API) Router() *httpx.Router { return a.server.Router() }
