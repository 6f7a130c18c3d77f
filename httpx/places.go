package httpx

import (
	"math"
	"net"
	"sync"
)

const (
	// reservedDescriptors are left to everything but connections: each of up to 48 connections to the database has two files open, and
	// there are files that are served and written, extensions, the log, and the listener.
	reservedDescriptors = 192
	// clientQuarters is how much one client may have of all places, in quarters. It is a lot, as everybody may come through one
	// proxy, or from one school; it is not all, so that others have some left.
	clientQuarters = 3
	// evictedAtOnce is how many waiting connections are closed when there is no room: some, so that not every newcomer has to look for
	// one, and few, so that those who have waited for least are left alone.
	evictedAtOnce = 8
)

// placesFor returns how many places there are in a process that may open that many descriptors. With few, half of them are kept.
func placesFor(descriptors int) int {
	return max(descriptors-reservedDescriptors, descriptors/2, 1)
}

// places counts the connections, and what else of a client holds a descriptor open. It is safe for concurrent use.
type places struct {
	limit, perClient int

	mu      sync.Mutex
	used    int
	clients map[string]*holder
	conns   map[*conn]struct{} // those that are HTTP's
	closed  bool
	refused uint64
	evicted uint64
}

// holder is a client with places. Its connections that wait for a request go from first, which has waited for longest, to last; those that
// were taken over from HTTP begin with newest.
type holder struct {
	used        int
	first, last *conn
	newest      *taken
}

func newPlaces(limit int) *places {
	return &places{
		limit: limit, perClient: max(int(math.Ceil(float64(limit)/4*clientQuarters)), 1),
		clients: make(map[string]*holder), conns: make(map[*conn]struct{}),
	}
}

// enter takes a place for a new connection, for which others that only wait may have to go.
func (p *places) enter(c *conn) bool {
	p.mu.Lock()
	gone := p.makeRoom(c.client)
	ok := !p.closed && p.take(c.client)
	if ok {
		p.conns[c] = struct{}{}
	}
	p.mu.Unlock()
	hangUp(gone)
	return ok
}

// open takes a place for a file, so that uploads cannot use up what is left to the database. Whoever gets one gives it back with close.
func (p *places) open(client string) bool {
	p.mu.Lock()
	gone := p.makeRoom(client)
	ok := p.take(client)
	p.mu.Unlock()
	hangUp(gone)
	return ok
}

func (p *places) close(client string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.give(client)
}

func (p *places) take(client string) bool {
	h := p.clients[client]
	if p.used >= p.limit || h != nil && h.used >= p.perClient {
		p.refused++
		return false
	}
	if h == nil {
		h = new(holder)
		p.clients[client] = h
	}
	h.used++
	p.used++
	return true
}

func (p *places) give(client string) {
	p.used--
	h := p.clients[client]
	if h.used--; h.used == 0 {
		delete(p.clients, client)
	}
}

// makeRoom takes connections out of the count: of the client itself when its part is used up, of the greediest when all is. Those that only
// wait go first, then those that were taken over from HTTP. They are the caller's to hang up.
func (p *places) makeRoom(client string) []evicted {
	h := p.clients[client]
	if h != nil && h.used >= p.perClient {
		return p.evict(h, evictedAtOnce)
	}
	if p.used < p.limit {
		return nil
	}
	own := 0
	if h != nil {
		own = h.used
	}
	if most := p.greediest(func(o *holder) bool { return o.first != nil && (o == h || o.used > own) }); most != nil {
		return p.evict(most, evictedAtOnce)
	}
	// Whoever has fewer places gets one also of streams, or two clients could keep all others out for as long as they like.
	return p.evictTaken(p.greediest(func(o *holder) bool { return o.newest != nil && o.used > own+1 }))
}

// relieve closes connections that wait, when the system has no descriptors although there are places.
func (p *places) relieve() {
	p.mu.Lock()
	gone := p.evict(p.greediest(func(o *holder) bool { return o.first != nil }), evictedAtOnce)
	p.mu.Unlock()
	hangUp(gone)
}

// greediest returns the client with most places among those that qualify, nil if none does.
func (p *places) greediest(qualifies func(*holder) bool) *holder {
	var most *holder
	for _, h := range p.clients {
		if (most == nil || h.used > most.used) && qualifies(h) {
			most = h
		}
	}
	return most
}

// evicted is a connection that has no place any more.
type evicted struct {
	conn net.Conn
	// taken says that somebody else closes it, who has to notice.
	taken bool
}

func (p *places) evict(h *holder, n int) (gone []evicted) {
	for h != nil && h.first != nil && len(gone) < n {
		c := h.first
		p.unlink(h, c)
		p.remove(c)
		p.evicted++
		gone = append(gone, evicted{conn: c.Conn})
	}
	return gone
}

func (p *places) evictTaken(h *holder) []evicted {
	if h == nil {
		return nil
	}
	t := h.newest
	p.giveTaken(t)
	p.evicted++
	return []evicted{{conn: t.conn, taken: true}}
}

func hangUp(gone []evicted) {
	for _, e := range gone {
		if e.taken {
			interrupt(e.conn)
		} else {
			e.conn.Close()
		}
	}
}

// interrupt ends a connection for both sides, where that is possible without closing it: that is its owner's, who learns of it like of a
// peer that hangs up.
func interrupt(nc net.Conn) {
	if t, ok := nc.(interface{ NetConn() net.Conn }); ok {
		nc = t.NetConn()
	}
	s, ok := nc.(interface {
		CloseRead() error
		CloseWrite() error
	})
	if !ok {
		nc.Close()
		return
	}
	// They fail when the peer was faster.
	_, _ = s.CloseRead(), s.CloseWrite()
}

// wait puts a connection among those that wait for a request. It fails when the server stops; the connection is the caller's to close.
func (p *places) wait(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		p.remove(c)
		return false
	}
	h := p.clients[c.client]
	c.before, c.after, c.waiting = h.last, nil, true
	if h.last != nil {
		h.last.after = c
	} else {
		h.first = c
	}
	h.last = c
	return true
}

// claim takes a connection out of those that wait. It fails when it was closed meanwhile.
func (p *places) claim(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !c.waiting {
		return false
	}
	p.unlink(p.clients[c.client], c)
	return true
}

func (p *places) unlink(h *holder, c *conn) {
	if c.before != nil {
		c.before.after = c.after
	} else {
		h.first = c.after
	}
	if c.after != nil {
		c.after.before = c.before
	} else {
		h.last = c.before
	}
	c.before, c.after, c.waiting = nil, nil, false
}

// leave gives the place of a connection back, once.
func (p *places) leave(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.waiting {
		p.unlink(p.clients[c.client], c)
	}
	p.remove(c)
}

func (p *places) remove(c *conn) {
	if _, ok := p.conns[c]; ok {
		delete(p.conns, c)
		p.give(c.client)
	}
}

// handOver makes a connection somebody else's, who gives its place back with leaveTaken.
func (p *places) handOver(c *conn, t *taken) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	h := p.clients[t.client]
	if t.older = h.newest; t.older != nil {
		t.older.newer = t
	}
	h.newest, t.placed = t, true
}

// leaveTaken gives the place of a connection back that was taken over, once.
func (p *places) leaveTaken(t *taken) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t.placed {
		p.giveTaken(t)
	}
}

func (p *places) giveTaken(t *taken) {
	if t.newer != nil {
		t.newer.older = t.older
	} else {
		p.clients[t.client].newest = t.older
	}
	if t.older != nil {
		t.older.newer = t.newer
	}
	t.newer, t.older, t.placed = nil, nil, false
	p.give(t.client)
}

// shut closes the connections that wait, has those that are idle end soon, and lets no others wait.
func (p *places) shut() {
	p.mu.Lock()
	p.closed = true
	var gone []evicted
	for c := range p.conns {
		if c.waiting {
			p.unlink(p.clients[c.client], c)
			p.remove(c)
			gone = append(gone, evicted{conn: c.Conn})
		} else {
			c.endIdle()
		}
	}
	p.mu.Unlock()
	hangUp(gone)
}

// serving returns how many connections HTTP has.
func (p *places) serving() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns)
}

// ConnectionStats tell how the places for connections are used.
type ConnectionStats struct {
	// Limit is how many there are, Used how many are taken by connections, event streams and files of uploads.
	Limit, Used int
	// Clients is how many clients have one.
	Clients int
	// Refused counts what was refused for want of one, Closed the idle connections and the streams that were closed to make room.
	Refused, Closed uint64
}

// Connections tells how the places for connections are used now.
func (s *Server) Connections() ConnectionStats {
	p := s.places
	p.mu.Lock()
	defer p.mu.Unlock()
	return ConnectionStats{Limit: p.limit, Used: p.used, Clients: len(p.clients), Refused: p.refused, Closed: p.evicted}
}
