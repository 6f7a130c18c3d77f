package api

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/httpx"
)

// Options configure the API.
type Options struct {
	// Origins are the origins that browsers may call from; empty means all.
	Origins []string
	// Static answers GET and HEAD for paths without a route; nil answers "File not found.", and "/" with the dashboard.
	Static httpx.Handler
	// Version is told to whoever asks under /api/.
	Version string
	// Serving is the hook around the beginning of serving, where a program has bound it before; nil means a new one.
	Serving *hooks.Hook[*ServeEvent]
	// OAuth2 asks the providers of OAuth2; nil means a new client.
	OAuth2 *oauth2.Client
	Logger *slog.Logger
}

// connectionBytes is what a connection is counted as when their number is derived from the budget: one that waits for a request costs half of
// it, and most wait. A budget of 160 MiB makes 20,000 of them.
const connectionBytes = 8 << 10

// uploadDir is where uploads are kept until they are answered, below the data directory: a temporary directory may be memory.
const uploadDir = ".troupe_uploads"

// API is the REST API of one application, and the server that answers it. It is safe for concurrent use.
type API struct {
	guests   *guests.Service
	server   *httpx.Server
	verifier *auth.Verifier
	serving  *hooks.Hook[*ServeEvent]
	// listening is what is served, nil before.
	listening  atomic.Pointer[listener]
	endpoints  []Endpoint
	guards     *guards
	extensions *extensionRoutes
}

// handlers answer the endpoints, grouped by resource. Each group has only what it needs.
type handlers struct {
	records     *recordHandlers
	batch       *batchHandlers
	files       *fileHandlers
	realtime    *realtimeHandlers
	auth        *authHandlers
	collections *collectionHandlers
	settings    *settingsHandlers
	sql         *sqlHandlers
	extensions  *extensionHandlers
	version     string
}

// newHandlers returns the handlers of an application.
func newHandlers(a *app.App, o *Options) (*handlers, error) {
	signIn, err := newAuthHandlers(a, o.OAuth2, o.Logger)
	if err != nil {
		return nil, err
	}
	store := a.Store
	return &handlers{
		records:     &recordHandlers{store: store, writes: a.Writes, hooks: &a.Hooks},
		batch:       &batchHandlers{store: store, writes: a.Writes, hooks: &a.Hooks, settings: a.Settings.Current, catalogue: a.Catalogue.Current},
		files:       &fileHandlers{store: store, files: a.Writes.Files(), verifier: signIn.verifier},
		realtime:    &realtimeHandlers{hub: a.Realtime, verifier: signIn.verifier, log: o.Logger},
		auth:        signIn,
		collections: &collectionHandlers{store: store, writes: a.Writes, catalogue: a.Catalogue},
		settings:    &settingsHandlers{settings: a.Settings},
		sql:         &sqlHandlers{console: a.Console},
		extensions:  &extensionHandlers{guests: a.Guests, catalogue: a.Catalogue.Current},
		version:     o.Version,
	}, nil
}

// limitBy gives those who write on behalf of other routes the routes whose rate limits count.
func (h *handlers) limitBy(routes []*httpx.Route) {
	create := routeOf(routes, "POST", recordsPath)
	h.batch.create, h.batch.update, h.batch.delete = create, routeOf(routes, "PATCH", recordPath), routeOf(routes, "DELETE", recordPath)
	signUp := *create // records that signing up makes have a window of their own
	h.auth.signUp = &signUp
}

// New returns the API of an application. It does not listen yet.
func New(application *app.App, o Options) (*API, error) {
	o.setDefaults()
	h, err := newHandlers(application, &o)
	if err != nil {
		return nil, fmt.Errorf("new api: %w", err)
	}
	table := endpoints(h)
	g := &guards{catalogue: application.Catalogue.Current, settings: application.Settings.Current, empty: newEmptyListThrottle()}
	routes, err := g.routes(table)
	if err != nil {
		return nil, fmt.Errorf("new api: %w", err)
	}
	h.limitBy(routes)
	router, err := httpx.NewRouter(routes)
	if err != nil {
		return nil, fmt.Errorf("new api: %w", err)
	}
	server, err := httpx.New(httpx.Options{
		Router:       router,
		Static:       o.Static,
		Authenticate: h.auth.authenticate,
		Current:      h.auth.current,
		Collection:   g.names,
		Pick:         pick,
		Observe:      requestLog{o.Logger}.observe,
		MapError:     mapError,
		Origins:      o.Origins,
		Logger:       o.Logger,
		Policy:       policy(application.Settings.Current()),
		Bodies:       application.Shares.Bodies,
		Answers:      application.Shares.Rows,
		UploadDir:    filepath.Join(application.Dir(), uploadDir),

		MaxConnections: int(application.Budget.Total() / connectionBytes),
	})
	if err != nil {
		return nil, fmt.Errorf("new api: %w", err)
	}
	application.Settings.Watch(func() { server.SetPolicy(policy(application.Settings.Current())) })
	return &API{
		guests: application.Guests, server: server, verifier: h.auth.verifier, serving: o.Serving, endpoints: table, guards: g,
		extensions: &extensionRoutes{guests: application.Guests, server: server, own: router.Routes(), base: router},
	}, nil
}

// setDefaults fills in what was not said.
func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Static == nil {
		o.Static = noFiles
	}
	if o.Serving == nil {
		o.Serving = new(hooks.Hook[*ServeEvent])
	}
	if o.OAuth2 == nil {
		o.OAuth2 = newOAuth2()
	}
}

// Endpoints returns the table of the routes that the server answers itself, without those of programs and extensions.
func (a *API) Endpoints() []Endpoint { return slices.Clone(a.endpoints) }
