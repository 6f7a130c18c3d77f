package httpx

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/troupebase/troupe/storage/budget"
)

const (
	// DefaultBodyLimit is how many bytes a body may have on a route without a limit of its own.
	DefaultBodyLimit = 32 << 20
	// headerTimeout, bodyTimeout and writeTimeout bound how long a slow peer may hold a connection; idleTimeout bounds how
	// long it may be kept between requests.
	headerTimeout = time.Minute
	bodyTimeout   = 5 * time.Minute
	writeTimeout  = 5 * time.Minute
	idleTimeout   = 5 * time.Minute
	// maxConnections bounds the connections that are being served; parked and hijacked ones are not among them.
	maxConnections = 1 << 18
)

// Options are what a [Server] takes from outside. Every function must be safe for concurrent use; all but Router are
// optional.
type Options struct {
	// Router is the first route table.
	Router *Router
	// Static answers GET and HEAD for paths without a route; nil answers "File not found."
	Static Handler
	// Authenticate returns who a token of the Authorization header belongs to, nil for a guest. It must not fail a request:
	// a token it cannot judge is a guest's. It is not called for an empty token.
	Authenticate func(c *Context, token string) *Auth
	// Current tells at no cost whether what Authenticate returned certainly still counts. After false Authenticate is asked
	// again. It is called when a body has come in.
	Current func(*Auth) bool
	// Collection resolves a collection's id or name to both.
	Collection func(nameOrID string) (id, name string, ok bool)
	// Pick appends to dst what the picker expression fields leaves of a JSON body; nothing at all makes the answer empty.
	Pick func(dst, body []byte, fields string) ([]byte, error)
	// Observe is told of each routed request after it was answered: successes of quiet routes, OPTIONS and redirects of
	// paths are left out. err is what a client was shown, nil for a success. c is valid during the call only.
	Observe func(c *Context, status int, took time.Duration, err *Error)
	// MapError turns errors of other packages into answers; nil means it does not know the error.
	MapError func(err error) *Error
	// Origins are the allowed origins, with the wildcards * and ?; empty means all.
	Origins []string
	// Hosts are the names this server answers for; "www." before one of them that is not itself listed redirects to it.
	Hosts []string
	// Logger gets panics and internal errors; nil discards them.
	Logger *slog.Logger
	// Policy holds the settings to begin with.
	Policy PolicyOptions
	// Bodies bounds the bytes of requests that are kept until they are answered; nil has no limits.
	Bodies *budget.Share
	// Answers bounds the bytes of large answers that are kept until they are sent; nil has no limits.
	Answers *budget.Share
	// MaxConnections bounds the connections, event streams and files of uploads. Zero is what the process may open, less what is kept
	// for everything else; there are never more.
	MaxConnections int
	// UploadDir is where uploads are kept that do not fit into memory, until they are answered; it is made when it is missing. Empty is
	// the system's directory, which may be memory.
	UploadDir string
}

// Server is the HTTP front-end. Make one with [New]; all methods are safe for concurrent use.
type Server struct {
	opts     Options
	log      *slog.Logger
	cors     cors
	router   atomic.Pointer[Router]
	policy   atomic.Pointer[Policy]
	policyMu sync.Mutex
	http     [len(readBuffers)]*fasthttp.Server // by the size of their read buffers
	contexts sync.Pool

	bodies    *bodies
	uploads   *budget.Share // bytes of uploads on the disk
	places    *places
	parkAfter time.Duration
	refusals  chan struct{} // one for each connection that is being told that it is refused
	reading   chan struct{} // one for each big body that is being read
	stopping  chan struct{}
	stopped   atomic.Bool
	mu        sync.Mutex
	listeners []net.Listener

	files, unknown *Route // the routes of paths without one
}

// New returns a server that does not listen yet.
func New(opts Options) (*Server, error) {
	if opts.Router == nil {
		return nil, errors.New("new server: no router")
	}
	s := &Server{opts: opts, log: opts.Logger, cors: newCORS(opts.Origins)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	static := opts.Static
	if static == nil {
		static = noFile
	}
	s.files = &Route{Method: "GET", Path: "/{path...}", Handler: static, Quiet: true}
	s.unknown = &Route{Path: "/{path...}", Handler: func(*Context) error { return NewError(fasthttp.StatusNotFound, "") }}
	s.contexts.New = func() any { return new(Context) }
	s.router.Store(opts.Router)
	s.policy.Store(newPolicy(opts.Policy, nil))
	for i, size := range readBuffers {
		s.http[i] = s.newHTTP(size)
	}
	s.parkAfter, s.refusals, s.stopping = parkAfter, make(chan struct{}, maxRefusals), make(chan struct{})
	s.bodies = &bodies{share: opts.Bodies, now: time.Now, open: make(map[*bodyCharge]struct{})}
	s.uploads = newUploadShare()
	s.reading = newReading()
	limit := placesFor(descriptors())
	if opts.MaxConnections > 0 {
		limit = min(limit, opts.MaxConnections)
	}
	s.places = newPlaces(limit)
	return s, nil
}

// newHTTP returns a server of fasthttp with read buffers of that size.
func (s *Server) newHTTP(readBuffer int) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:                      s.handle,
		ErrorHandler:                 refuse,
		ExpectHandler:                s.expect,
		HeaderReceived:               headerReceived,
		Logger:                       quiet{s.log},
		StreamRequestBody:            true,
		DisablePreParseMultipartForm: true,
		ReadBufferSize:               readBuffer,
		ReduceMemoryUsage:            true,
		KeepHijackedConns:            true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		CloseOnShutdown:              true,
		LazyRequestTime:              true,
		ReadTimeout:                  headerTimeout,
		WriteTimeout:                 writeTimeout,
		IdleTimeout:                  idleTimeout,
		Concurrency:                  maxConnections,
		ConnState:                    connState,
	}
}

// SetRouter replaces the route table and the middlewares of all routes; requests that have begun end on the old one.
func (s *Server) SetRouter(r *Router) { s.router.Store(r) }

// Router returns the current route table.
func (s *Server) Router() *Router { return s.router.Load() }

// SetPolicy replaces the settings. Rate counters are kept as long as the rate rules are the same.
func (s *Server) SetPolicy(opts PolicyOptions) {
	s.policyMu.Lock()
	defer s.policyMu.Unlock()
	s.policy.Store(newPolicy(opts, s.policy.Load()))
}

func noFile(*Context) error { return NewError(fasthttp.StatusNotFound, "File not found.") }

// headerReceived gives requests with a body more time than the header had. fasthttp reads the beginning of a body, up to
// MaxRequestBodySize, before it calls the handler: of all of them it reads as little as it can, so that what is kept of a body is kept, and
// charged, by who reads it.
func headerReceived(h *fasthttp.RequestHeader) fasthttp.RequestConfig {
	config := fasthttp.RequestConfig{MaxRequestBodySize: 1}
	if n := h.ContentLength(); n > 0 || n == -1 {
		config.ReadTimeout = bodyTimeout
	}
	return config
}

// refuse answers what could not be read as a request; the connection is closed afterwards.
func refuse(ctx *fasthttp.RequestCtx, err error) {
	status := fasthttp.StatusBadRequest
	var small *fasthttp.ErrSmallBuffer
	var timeout net.Error
	switch {
	case errors.As(err, &small):
		status = fasthttp.StatusRequestHeaderFieldsTooLarge
	case errors.As(err, &timeout) && timeout.Timeout():
		status = fasthttp.StatusRequestTimeout
	}
	ctx.Response.Reset()
	ctx.SetStatusCode(status)
	ctx.SetContentType("application/json")
	ctx.SetBody(NewError(status, fasthttp.StatusMessage(status)).AppendJSON(nil))
}

// quiet passes fasthttp's own messages, which are about broken connections, to the debug level.
type quiet struct{ log *slog.Logger }

// Printf implements fasthttp's Logger.
func (q quiet) Printf(format string, args ...any) { q.log.Debug(fmt.Sprintf(format, args...)) }
