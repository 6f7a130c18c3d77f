package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
)

// Endpoint is a route of the API as the table in routes.go declares it. All that is asked of a request before its handler runs
// follows from these values, so a handler cannot forget it. It must not be changed.
type Endpoint struct {
	// Method and Path are those of an [httpx.Route].
	Method, Path string
	// Description is a sentence that says what the route does.
	Description string
	// Access says who may call it.
	Access Access
	// Collection says which collection the parameter {collection} of the path names.
	Collection CollectionKind
	// Body says how large a body may be.
	Body BodyLimit
	// Rate holds the actions that rate limit rules know the route by, separated by blanks, the most specific first. Without any
	// only rules for its path count.
	Rate string
	// Quiet keeps successes out of the request log.
	Quiet bool

	handler handler
}

// Access says who may call a route.
type Access int

const (
	// Anybody means guests too. Rules of a collection decide further on.
	Anybody Access = iota + 1
	// SignedIn means every record that signed in.
	SignedIn
	// SameCollection means records of the collection that the path names.
	SameCollection
	// Superusers means nobody else.
	Superusers
)

// String returns what documentation says of it.
func (a Access) String() string {
	return [...]string{"", "anybody", "signed in", "records of the collection", "superusers"}[a]
}

// CollectionKind says which collection the path of a route names. Others are refused before the handler runs.
type CollectionKind int

const (
	// NoCollection means that the path names none.
	NoCollection CollectionKind = iota
	// AnyCollection means one of any type.
	AnyCollection
	// StoredCollection means one that holds records of its own, so no view.
	StoredCollection
	// AuthCollection means one whose records can sign in.
	AuthCollection
)

// String returns what documentation says of it.
func (k CollectionKind) String() string {
	return [...]string{"", "any", "base, auth", "auth"}[k]
}

// BodyLimit says how large the body of a request may be.
type BodyLimit int

const (
	// DefaultBody means [httpx.DefaultBodyLimit].
	DefaultBody BodyLimit = iota
	// RecordBody means more where fields of the collection allow for large values.
	RecordBody
	// BatchBody means what the settings say for batches.
	BatchBody
)

// String returns what documentation says of it.
func (b BodyLimit) String() string {
	return [...]string{fmt.Sprintf("%d MiB", httpx.DefaultBodyLimit>>20), "as the fields allow", "as the settings say"}[b]
}

// handler answers an endpoint. It has one of the forms below, and each gets what its form needs looked at.
type handler interface {
	// bind returns the handler for a route.
	bind(e *Endpoint, g *guards) httpx.Handler
}

// plainHandler needs nothing beyond the request.
type plainHandler func(c *httpx.Context) error

// collectionHandler is given the collection that the path names.
type collectionHandler func(c *httpx.Context, col *schema.Collection) error

// readHandler reads records of a collection for whoever asks, within the bounds of read.
type readHandler func(c *httpx.Context, col *schema.Collection, r read) error

// listHandler answers with what a filter found; empty tells that it found nothing. The collection is nil where the path names none.
// Whoever lists without being allowed to see everything is slowed down by how often nothing is found, see [emptyListThrottle].
type listHandler func(c *httpx.Context, col *schema.Collection, l list) (empty bool, err error)

// read bounds what a reading route does.
type read struct {
	// ctx ends when a guest has read for long enough, and with an expand also when nobody waits for the answer any more.
	ctx context.Context
	// expand is what the request asks to expand.
	expand string
}

// list is a read with the parameters of a list.
type list struct {
	read
	listParams
}

func (h plainHandler) bind(*Endpoint, *guards) httpx.Handler { return httpx.Handler(h) }

func (h collectionHandler) bind(e *Endpoint, g *guards) httpx.Handler {
	return func(c *httpx.Context) error {
		col, err := g.collection(e, c)
		if err != nil {
			return err
		}
		return h(c, col)
	}
}

func (h readHandler) bind(e *Endpoint, g *guards) httpx.Handler {
	return func(c *httpx.Context) error {
		col, err := g.collection(e, c)
		if err != nil {
			return err
		}
		return h(c, col, newRead(c))
	}
}

func (h listHandler) bind(e *Endpoint, g *guards) httpx.Handler {
	return func(c *httpx.Context) error {
		col, err := g.collection(e, c)
		if err != nil {
			return err
		}
		params, err := readListParams(c)
		if err != nil {
			return err
		}
		empty, err := h(c, col, list{newRead(c), params})
		if err == nil && empty && col != nil && (c.Auth == nil || !c.Auth.Superuser) {
			g.empty.wait(c.Context(), c.Client(), col.ID)
		}
		return err
	}
}

// newRead returns the bounds of a request that reads.
func newRead(c *httpx.Context) read {
	r := read{expand: c.Query("expand")}
	r.ctx = expandContext(c, r.expand)
	return r
}

// guards make routes of endpoints.
type guards struct {
	catalogue func() *schema.Catalogue
	settings  func() *settings.Settings
	empty     *emptyListThrottle
}

// routes returns the routes of a table, in its order.
func (g *guards) routes(table []Endpoint) ([]*httpx.Route, error) {
	routes := make([]*httpx.Route, len(table))
	for i := range table {
		route, err := g.route(&table[i])
		if err != nil {
			return nil, err
		}
		routes[i] = route
	}
	return routes, nil
}

// route makes a route of an endpoint. It fails for one that is not complete.
func (g *guards) route(e *Endpoint) (*httpx.Route, error) {
	r := &httpx.Route{Method: e.Method, Path: e.Path, Tags: strings.Fields(e.Rate), Quiet: e.Quiet}
	switch named := strings.Contains(e.Path, "{collection}"); {
	case e.handler == nil:
		return nil, fmt.Errorf("%s: no handler", r)
	case named != (e.Collection != NoCollection):
		return nil, fmt.Errorf("%s: the kind of its collection is not declared", r)
	case len(r.Tags) > 0 && !named:
		return nil, fmt.Errorf("%s: rate limits by action are those of a collection", r)
	}
	if len(r.Tags) > 0 {
		r.Collection = "collection"
	}
	switch e.Access {
	case Anybody:
	case SignedIn:
		r.Guard = httpx.RequireAuth
	case SameCollection:
		r.Guard = g.sameCollection
	case Superusers:
		r.Guard = httpx.RequireSuperuser
	default:
		return nil, fmt.Errorf("%s: who may call it is not declared", r)
	}
	switch e.Body {
	case RecordBody:
		r.BodyLimit = func(c *httpx.Context) (int64, error) { return g.recordLimit(e, c) }
	case BatchBody:
		r.BodyLimit = g.batchLimit
	}
	r.Handler = e.handler.bind(e, g)
	return r, nil
}

// Answers to a path whose collection is not there, or of the wrong type.
const (
	noCollection    = "Missing collection context."
	wrongCollection = "Missing or invalid collection context."
	noAuthContext   = "Missing or invalid auth collection context."
)

// collection returns the collection that the path names, nil where it names none. One that is missing, or that the endpoint is not
// for, is refused.
func (g *guards) collection(e *Endpoint, c *httpx.Context) (*schema.Collection, error) {
	if e.Collection == NoCollection {
		return nil, nil
	}
	col := g.catalogue().Find(c.Param("collection"))
	switch {
	case col == nil:
		return nil, httpx.NewError(http.StatusNotFound, e.missing())
	case e.Collection == StoredCollection && col.IsView():
		return nil, records.ErrView
	case e.Collection == AuthCollection && (!col.IsAuth() || col.Auth == nil):
		return nil, httpx.NewError(http.StatusNotFound, noAuthContext)
	}
	return col, nil
}

// missing is what is said where there is no collection of that name. Empty is the default of the status.
func (e *Endpoint) missing() string {
	switch e.Rate {
	case "list", "view", "delete":
		return noCollection
	case "":
		if e.Collection == AuthCollection {
			return noAuthContext
		}
		return ""
	}
	return wrongCollection
}

// names returns id and name of a collection.
func (g *guards) names(nameOrID string) (id, name string, ok bool) {
	c := g.catalogue().Find(nameOrID)
	if c == nil {
		return "", "", false
	}
	return c.ID, c.Name, true
}

// sameCollection lets records of the collection that the path names through. A collection that does not exist is nobody's, which
// is told first.
func (g *guards) sameCollection(c *httpx.Context) error {
	if g.catalogue().Find(c.Param("collection")) == nil {
		return httpx.NewError(http.StatusNotFound, wrongCollection)
	}
	return httpx.RequireSameCollection(c)
}

// recordLimit is how many bytes the body of a create or update may have: the usual ones, and room for the values that
// the collection's fields allow to be large.
func (g *guards) recordLimit(e *Endpoint, c *httpx.Context) (int64, error) {
	limit := int64(httpx.DefaultBodyLimit)
	col, err := g.collection(e, c)
	if errors.Is(err, records.ErrView) {
		return limit, nil // the handler's turn to say so comes after the guards
	}
	if err != nil {
		return 0, err
	}
	for _, f := range col.Fields {
		limit += f.BodyBytes()
	}
	return limit, nil
}

// defaultBatchBody is how many bytes the body of a batch may have when the settings do not say.
const defaultBatchBody = 128 << 20

func (g *guards) batchLimit(*httpx.Context) (int64, error) {
	if limit := g.settings().Batch.MaxBodySize; limit > 0 {
		return limit, nil
	}
	return defaultBatchBody, nil
}
