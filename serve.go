package troupe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/wasmhost"
)

// drainTimeout is how long requests that were accepted may take to be answered once the server is told to stop.
const drainTimeout = 10 * time.Second

// shutdownAgain is how often a server is told to stop that may not have begun to listen.
const shutdownAgain = 50 * time.Millisecond

// Run opens the data directory and serves it on an address until ctx ends; then it answers what it had accepted and closes
// the directory. It is called once, instead of [App.Bootstrap].
func (a *App) Run(ctx context.Context, address string) error { return a.RunWith(ctx, address, nil) }

// RunWith is [App.Run] that calls started once requests are answered; its error ends it all.
func (a *App) RunWith(ctx context.Context, address string, started func(addr net.Addr) error) (err error) {
	grants, err := a.opts.grants()
	if err != nil {
		return err
	}
	if err := a.Bootstrap(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	server, err := api.New(a.inner, api.Options{Origins: a.opts.Origins, Static: a.opts.Static, Version: Version(), Serving: &a.serving, Logger: a.opts.Logger})
	if err != nil {
		return err
	}
	err = a.inner.Guests.Load(ctx, guests.Source{
		Dir: a.opts.Extensions, CacheDir: filepath.Join(a.opts.Dir, ".troupe_cache"), Limits: wasmhost.Limits(a.opts.ExtensionLimits), Grants: grants,
		Routes: server.SetExtensions,
	})
	if err != nil {
		return ended(ctx, err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	served := make(chan error, 1)
	routine.Go(func() { served <- server.Serve(ctx, listener, started) }, func(p *routine.Panic) { served <- p })
	select {
	case err := <-served:
		return ended(ctx, err)
	case <-ctx.Done():
	}
	return drain(ctx, server, served)
}

// drain stops a server whose context is over once what it accepted is answered.
func drain(ctx context.Context, server *api.API, served <-chan error) error {
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	again := time.NewTicker(shutdownAgain)
	defer again.Stop()
	for {
		if err := server.Shutdown(stopping); err != nil {
			return fmt.Errorf("stop listening: %w", err)
		}
		select {
		case err := <-served:
			return ended(ctx, err)
		case <-stopping.Done():
			return fmt.Errorf("stop serving: %w", stopping.Err()) // a hook around it does not return
		case <-again.C: // it had not begun to listen
		}
	}
}

// ended is what serving ended with: that ctx was over before it began is no failure.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// grants reads the option of the same name.
func (o *Options) grants() (map[string][]wasmhost.Grant, error) {
	all := make(map[string][]wasmhost.Grant)
	for _, text := range o.Grants {
		extension, g, err := wasmhost.ParseGrant(text)
		if err != nil {
			return nil, err
		}
		all[extension] = append(all[extension], g)
	}
	return all, nil
}
