package troupe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/wasmhost"
)

// DefaultDir is the data directory where none is named.
const DefaultDir = "troupe_data"

// ExtensionsDir is the name of the directory of extensions, beside the data directory, where none is named.
const ExtensionsDir = "troupe_extensions"

// drainTimeout is how long requests that were accepted may take to be answered once the server is told to stop.
const drainTimeout = 10 * time.Second

// shutdownAgain is how often a server is told to stop that may not have begun to listen.
const shutdownAgain = 50 * time.Millisecond

// Options configure an [App]. The zero value serves [DefaultDir] with the extensions beside it.
type Options struct {
	// Dir is the data directory; it is created when it is missing.
	Dir string
	// Sync says when an answered write is on disk.
	Sync SyncMode
	// NoExpandAll expands only the relations that a request asks for.
	NoExpandAll bool
	// Key encrypts the stored settings; the zero value stores them in clear.
	Key EncryptionKey
	// QueryTimeout bounds a read; zero is 30 seconds.
	QueryTimeout time.Duration
	// Memory is how many bytes of memory the process is given: what strangers make it keep (bodies, topics, filters, answers) is
	// bounded by a part of it. Zero looks at the machine, its cgroup and GOMEMLIMIT.
	Memory int64
	// Origins are the origins that browsers may call from; empty means all.
	Origins []string
	// Static answers GET and HEAD for paths without a route.
	Static httpx.Handler
	// Extensions is the directory of WebAssembly extensions; empty means [ExtensionsDir] beside the data directory. It may be
	// missing.
	Extensions string
	// ExtensionLimits bound what extensions may use.
	ExtensionLimits ExtensionLimits
	// Grants let extensions do what takes the operator's word, as "name:permission": "headers.secret" shows Authorization and
	// Cookie of requests, apart from verified tokens; "auth.credentials" lets set password, email and verified of auth records.
	Grants []string
	// Logger gets what happens beside requests; nil discards it.
	Logger *slog.Logger
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

// App is a data directory with its hooks and its server. It is safe for concurrent use.
type App struct {
	*app.App
	opts    Options
	serving hooks.Hook[*ServeEvent]
}

// New returns an App that is not open yet: hooks can be bound to it, and [App.Run] opens and serves it. A program that only
// works with the data calls [App.Bootstrap] and [App.Close] instead.
func New(o Options) *App {
	if o.Dir == "" {
		o.Dir = DefaultDir
	}
	if o.Extensions == "" {
		o.Extensions = filepath.Join(filepath.Dir(filepath.Clean(o.Dir)), ExtensionsDir)
	}
	return &App{opts: o, App: app.New(app.Options{
		Dir: o.Dir, Sync: o.Sync, ExpandAll: !o.NoExpandAll, Key: o.Key, QueryTimeout: o.QueryTimeout, Memory: o.Memory, Exclusive: true, Logger: o.Logger,
	})}
}

// OnServe is the hook around the beginning of serving, where routes and middlewares are added.
func (a *App) OnServe() *hooks.Hook[*ServeEvent] { return &a.serving }

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
	server, err := api.New(a.App, api.Options{Origins: a.opts.Origins, Static: a.opts.Static, Version: Version(), Serving: &a.serving, Logger: a.opts.Logger})
	if err != nil {
		return err
	}
	err = a.LoadExtensions(ctx, app.ExtensionOptions{
		Dir: a.opts.Extensions, CacheDir: filepath.Join(a.opts.Dir, ".troupe_cache"), Limits: a.opts.ExtensionLimits, Grants: grants,
		Routes: server.SetExtensions,
	})
	if err != nil {
		return err
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
