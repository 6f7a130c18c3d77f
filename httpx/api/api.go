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

// spoolDir is where uploads are kept until they are answered, below the data directory: a temporary directory may be memory.
const spoolDir = ".troupe_uploads"

// API is the REST API of one application, and the server that answers it. It is safe for concurrent use.
type API struct {
	app      *app.App
	server   *httpx.Server
	verifier *auth.Verifier
	desk     *auth.Desk
	oauth2   *oauth2.Client
	log      *slog.Logger
	probes   probes
	serving  *hooks.Hook[*ServeEvent]
	// listening is what is served, nil before.
	listening atomic.Pointer[listener]
	table     table
	// The routes whose rate limits the parts of a batch share.
	create, update, delete *httpx.Route
	// signUp is the route that the rate limit of new records is counted for when OAuth2 makes them.
	signUp *httpx.Route
}

// New returns the API of an application. It does not listen yet.
func New(application *app.App, o Options) (*API, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	a := &API{app: application, log: o.Logger, serving: o.Serving, oauth2: o.OAuth2}
	if o.Static == nil {
		o.Static = noFiles
	}
	if a.serving == nil {
		a.serving = new(hooks.Hook[*ServeEvent])
	}
	if a.oauth2 == nil {
		a.oauth2 = newOAuth2()
	}
	if err := a.openAuth(); err != nil {
		return nil, fmt.Errorf("new api: %w", err)
	}
	router, err := httpx.NewRouter(append(a.routes(), aboutRoutes(o.Version)...))
	if err != nil {
		return nil, fmt.Errorf("new api: %w", err)
	}
	a.table.base, a.table.server = router, router.Routes()
	a.server, err = httpx.New(httpx.Options{
		Router:       router,
		Static:       o.Static,
		Authenticate: a.authenticate,
		Current:      a.current,
		Collection:   a.collectionName,
		Pick:         pick,
		Observe:      a.observe,
		MapError:     mapError,
		Origins:      o.Origins,
		Logger:       o.Logger,
		Policy:       policy(application.Settings()),
		Bodies:       application.Shares().Bodies,
		Answers:      application.Shares().Rows,
		SpoolDir:     filepath.Join(application.Dir(), spoolDir),

		MaxConnections: int(application.Budget().Total() / connectionBytes),
	})
	if err != nil {
		return nil, fmt.Errorf("new api: %w", err)
	}
	application.OnSettings(func() { a.server.SetPolicy(policy(application.Settings())) })
	return a, nil
}

// routes is the table of the API.
func (a *API) routes() []*httpx.Route {
	a.create = &httpx.Route{Method: "POST", Path: "/api/collections/{collection}/records", Handler: a.createRecord, Tags: []string{"create"}, Collection: "collection", BodyLimit: a.recordLimit}
	a.update = &httpx.Route{Method: "PATCH", Path: "/api/collections/{collection}/records/{id}", Handler: a.updateRecord, Tags: []string{"update"}, Collection: "collection", BodyLimit: a.recordLimit}
	a.delete = &httpx.Route{Method: "DELETE", Path: "/api/collections/{collection}/records/{id}", Handler: a.deleteRecord, Tags: []string{"delete"}, Collection: "collection"}
	super := httpx.RequireSuperuser
	return append(slices.Concat(a.authRoutes(), a.oauth2Routes(), pageRoutes()),
		&httpx.Route{Method: "GET", Path: "/api/health", Handler: httpx.Health(a.canBackup)},

		&httpx.Route{Method: "GET", Path: "/api/collections/{collection}/records", Handler: a.listRecords, Tags: []string{"list"}, Collection: "collection"},
		&httpx.Route{Method: "GET", Path: "/api/collections/{collection}/records/{id}", Handler: a.viewRecord, Tags: []string{"view"}, Collection: "collection"},
		a.create, a.update, a.delete,
		&httpx.Route{Method: "POST", Path: "/api/batch", Handler: a.batch, BodyLimit: a.batchLimit},
		&httpx.Route{Method: "GET", Path: "/api/files/{collection}/{id}/{name}", Handler: a.downloadFile, Tags: []string{"file"}, Collection: "collection"},

		&httpx.Route{Method: "GET", Path: "/api/collections", Handler: a.listCollections, Guard: super},
		&httpx.Route{Method: "POST", Path: "/api/collections", Handler: a.createCollection, Guard: super},
		&httpx.Route{Method: "GET", Path: "/api/collections/{collection}", Handler: a.viewCollection, Guard: super},
		&httpx.Route{Method: "PATCH", Path: "/api/collections/{collection}", Handler: a.updateCollection, Guard: super},
		&httpx.Route{Method: "DELETE", Path: "/api/collections/{collection}", Handler: a.deleteCollection, Guard: super},
		&httpx.Route{Method: "DELETE", Path: "/api/collections/{collection}/truncate", Handler: a.truncateCollection, Guard: super},
		&httpx.Route{Method: "PUT", Path: "/api/collections/import", Handler: a.importCollections, Guard: super},
		&httpx.Route{Method: "GET", Path: "/api/collections/meta/scaffolds", Handler: a.scaffolds, Guard: super},
		&httpx.Route{Method: "GET", Path: "/api/collections/meta/oauth2-providers", Handler: a.providers, Guard: super},
		&httpx.Route{Method: "POST", Path: "/api/collections/meta/dry-run-view", Handler: a.dryRunView, Guard: super},

		&httpx.Route{Method: "POST", Path: "/api/sql", Handler: a.runSQL, Guard: super},
		&httpx.Route{Method: "GET", Path: "/api/settings", Handler: a.viewSettings, Guard: super},
		&httpx.Route{Method: "PATCH", Path: "/api/settings", Handler: a.updateSettings, Guard: super},

		&httpx.Route{Method: "GET", Path: "/api/realtime", Handler: a.connectRealtime, Quiet: true},
		&httpx.Route{Method: "POST", Path: "/api/realtime", Handler: a.subscribeRealtime},
	)
}

// canBackup tells whether a backup could be started: none is ever under way, there are no backups yet.
func (a *API) canBackup() bool { return true }

func (a *API) collectionName(nameOrID string) (id, name string, ok bool) {
	c := a.app.Catalogue().Find(nameOrID)
	if c == nil {
		return "", "", false
	}
	return c.ID, c.Name, true
}
