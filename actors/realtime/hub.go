package realtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Why a stream is not bound to topics.
var (
	// ErrUnknownClient says that there is no stream with that id (any more), or that it does not listen to the topic.
	ErrUnknownClient = errors.New("realtime: unknown client")
	// ErrOtherAddress says that the stream was opened from another address.
	ErrOtherAddress = errors.New("realtime: the stream belongs to another address")
	// ErrOtherIdentity says that the stream is bound to another record.
	ErrOtherIdentity = errors.New("realtime: the stream is bound to another record")
	// ErrStale says that the identity may not be what it was when it was looked at. Look again and try again.
	ErrStale = errors.New("realtime: the identity has to be verified again")
	// ErrClosed says that the hub is closed, or not started yet.
	ErrClosed = errors.New("realtime: closed")
)

// Options are what a [Hub] takes from outside.
type Options struct {
	// Logger gets what nobody can be answered with.
	Logger *slog.Logger
	// Catalogue returns the current definitions; inside a read they belong to the tables.
	Catalogue func() *schema.Catalogue
	// Supervisor is below which the hub's actors run.
	Supervisor *actors.Supervisor
	// Topics bounds the bytes of what clients listen to, Streams those of messages that wait for slow readers. nil has no limits.
	Topics, Streams *budget.Share
}

// Hub holds the streams of all clients. It is safe for concurrent use, except for [Hub.Committing] and [Hub.Committed],
// which belong to the Writer's goroutine.
type Hub struct {
	opts  Options
	begin time.Time
	ahead atomic.Int64 // how far the clock of streams is ahead, in tests
	db    *sqlite.DB
	store *records.Store

	backlog   backlog
	budget    *messageBudget
	slow      slowClients
	pressure  pressure
	intake    intake
	feeds     feeds
	judges    *judges
	watch     *watcher
	streams   *actors.Supervisor // of the clients' actors
	kind      *actors.Props      // of those
	announcer actors.Ref

	announcing atomic.Bool
	pin        *pin // the Writer's, between Committing and Committed
	unpinned   bool // as well: there ought to be a pin
	quit       chan struct{}
	alive      context.Context // ends with the hub
	// enrichers are the goroutines that run user code over messages, those included that were left alone.
	enrichers atomic.Int64
	stop      context.CancelFunc
	running   sync.WaitGroup
	fault     atomic.Pointer[client] // whose next turn panics, in tests

	clients atomic.Int64 // how many there are, to be read without the lock
	// mu is taken with [Hub.lock] where it matters what was committed before. The Writer does not take it.
	mu        sync.Mutex
	index     index
	groups    uint64   // how many were addressed
	addressed []*batch // what is to be told next
	started   bool
	closed    bool
}

// NewHub returns a hub without streams. It does nothing before [Hub.Start].
func NewHub(o Options) *Hub {
	h := &Hub{
		opts: o, begin: time.Now(), index: newIndex(o.Topics), budget: newMessageBudget(o.Streams), quit: make(chan struct{}),
		slow: slowClients{clients: make(map[*client]*progress)}, pressure: pressure{loads: make(map[string]*load)},
	}
	h.judges = newJudges(h)
	h.index.find = func(reference string) *schema.Collection { return o.Catalogue().Find(reference) }
	h.backlog.less.L = &h.backlog.mu
	h.alive, h.stop = context.WithCancel(context.Background())
	return h
}

// Start spawns the actors. It is called once.
func (h *Hub) Start(db *sqlite.DB, store *records.Store) (err error) {
	h.db, h.store = db, store
	h.kind = actors.NewProps(func() actors.Actor { return streams{} }, &dispatcher{start: func(f func()) { h.alone("send to clients", f) }})
	if h.streams, err = h.opts.Supervisor.Supervisor("clients"); err != nil {
		return fmt.Errorf("start realtime: %w", err)
	}
	h.announcer, err = h.opts.Supervisor.Spawn(actors.NewProps(func() actors.Actor { return announcer{h} }, nil), "announcer")
	if err != nil {
		return fmt.Errorf("start realtime: %w", err)
	}
	hung := func(c *client) { h.drop(c, "hung up") }
	if h.watch, err = newWatcher(hung, func(f func()) { h.run("watch a connection", f) }); err != nil {
		return fmt.Errorf("start realtime: %w", err)
	}
	h.run("watch connections", h.watch.run)
	h.run("look after connections", h.lookAfter)
	h.mu.Lock()
	h.index.enriches = func(c *schema.Collection, expand string) bool {
		return h.store.EnrichesAnswer(h.opts.Catalogue(), c, expand)
	}
	h.started = true
	h.mu.Unlock()
	return nil
}

// attach gives a stream its actor, which looks into the outbox at once. The supervisor calls it, so it is short.
func (c *client) attach(ref actors.Ref, err error) {
	if err != nil {
		c.hub.drop(c, "name taken")
		return
	}
	c.ref.Store(&ref)
	if c.gone.Load() {
		ref.Stop()
		return
	}
	ref.Send(c)
}

// Opening says how a stream is opened.
type Opening struct {
	// Head is the head of the answer, which is written first; chunked encoding is added to it.
	Head []byte
	// IP is the address that the client really comes from, Client who is charged for what it makes the hub keep.
	IP, Client string
	// Plain tells that the client does not know chunked encoding: HTTP/1.0.
	Plain bool
}

// Connect opens a stream on a connection that was taken over from HTTP/1. When the error is nil the connection belongs to the
// hub.
func (h *Hub) Connect(conn net.Conn, o Opening) error {
	now := h.seconds()
	c := &client{hub: h, conn: conn, raw: plainSocket(conn), id: newClientID(), ip: o.IP, account: o.Client, plain: o.Plain, began: now}
	c.told.Store(now)
	c.written.Store(now)
	if socket, ok := conn.(interface{ SetWriteBuffer(bytes int) error }); ok {
		_ = socket.SetWriteBuffer(socketSize) // it works without
	}
	hello := newMessage("PB_CONNECT", []byte(`{"clientId":"`+c.id+`"}`))
	head := o.Head
	if !o.Plain {
		head = chunkedHead(head)
	}
	c.put(&message{raw: true, size: head, data: head}, hello)
	h.mu.Lock()
	if h.closed || !h.started {
		h.mu.Unlock()
		c.shutDown()
		return ErrClosed
	}
	h.index.byID[c.id] = c
	h.clients.Add(1)
	h.mu.Unlock()
	if err := h.watch.add(c); err != nil {
		h.drop(c, "not watched")
		return fmt.Errorf("connect: %w", err)
	}
	h.opts.Logger.Debug("realtime connection established", "clientId", c.id)
	h.streams.Start(h.kind, c.id, c.attach)
	return nil
}

// chunkedHead tells in the head of an answer that its body comes in chunks.
func chunkedHead(head []byte) []byte {
	const blank = "\r\n"
	out := make([]byte, 0, len(head)+32)
	if n := len(head) - len(blank); n >= 0 {
		out = append(out, head[:n]...)
	}
	return append(out, "Transfer-Encoding: chunked\r\n\r\n"...)
}

// drop ends a stream at once. It may be called again.
func (h *Hub) drop(c *client, why string) {
	if !c.gone.CompareAndSwap(false, true) {
		return
	}
	c.shutDown()
	h.slow.forget(c)
	h.mu.Lock()
	h.index.remove(c)
	h.clients.Add(-1)
	h.mu.Unlock()
	h.watch.remove(c)
	if c.raw != nil {
		_ = c.conn.Close() // nobody is left to hear of an error
	} else {
		// A layer in between may say goodbye, and wait for it.
		h.alone("close a connection", func() { _ = c.conn.Close() })
	}
	if ref := c.ref.Load(); ref != nil {
		ref.Stop()
	}
	h.opts.Logger.Debug("realtime connection closed ("+why+")", "clientId", c.id)
}

// Subscribe replaces the topics of a stream and binds it to an identity, nil for a guest. ip is the address that the
// request really comes from. It fails with [ErrStale], [ErrUnknownClient], [ErrOtherAddress] or [ErrOtherIdentity], and
// leaves everything as it was then; so it does when the topics ask for more work with each change or keep more bytes than there is
// room for: with a [*LimitError] or a [*budget.FullError]. How many topics there are and how long is the caller's business.
//
// current tells whether the identity is still what was verified; nil asks nobody. It is called under the hub's lock, so it
// only compares numbers that move before [Hub.Committed] is told of a change: what is committed later finds the stream
// bound and ends its identity.
func (h *Hub) Subscribe(_ context.Context, clientID string, topics []string, who *filter.Identity, ip string, current func() bool) error {
	list := parseTopics(topics)
	if err := streamWork(list); err != nil {
		return err
	}
	h.lock()
	defer h.mu.Unlock()
	if who != nil && current != nil && !current() {
		return ErrStale
	}
	c := h.index.byID[clientID]
	switch {
	case c == nil:
		return ErrUnknownClient
	case c.ip != ip:
		return ErrOtherAddress
	case c.who != nil && (who == nil || keyOf(c.who) != keyOf(who)):
		return ErrOtherIdentity
	}
	return h.index.subscribe(c, list, who)
}

// Send sends a message of its own to one client that listens to exactly that topic; data is one line of JSON. It fails
// with [ErrUnknownClient].
func (h *Hub) Send(clientID, topic string, data []byte) error {
	h.mu.Lock()
	c := h.index.byID[clientID]
	listens := c != nil && h.index.listens(c, topic)
	h.mu.Unlock()
	if !listens {
		return ErrUnknownClient
	}
	c.told.Store(h.seconds())
	c.send(newMessage(topic, data))
	return nil
}

// Redeem sends a message to the client that listens to exactly that topic and takes the topic away from it, so that it
// works once. It fails with [ErrUnknownClient], or with [ErrOtherAddress], which takes the topic away too.
func (h *Hub) Redeem(clientID, topic, ip string, data []byte) error {
	h.mu.Lock()
	c := h.index.byID[clientID]
	listened := c != nil && h.index.unsubscribe(c, topic)
	h.mu.Unlock()
	switch {
	case !listened:
		return ErrUnknownClient
	case c.ip != ip:
		return ErrOtherAddress
	}
	c.told.Store(h.seconds())
	c.send(newMessage(topic, data))
	return nil
}

// Len returns how many streams are open.
func (h *Hub) Len() int { return int(h.clients.Load()) }

// CollectionRevoked makes guests of all streams that are bound to records of a collection: it was deleted, or the secret
// of its tokens changed.
func (h *Hub) CollectionRevoked(collectionID string) {
	h.lock()
	defer h.mu.Unlock()
	h.index.revoke(collectionID)
}

// seconds is the hub's clock: coarse, and small enough to be kept for every client.
func (h *Hub) seconds() int32 {
	return int32((time.Since(h.begin) + time.Duration(h.ahead.Load())) / time.Second)
}
