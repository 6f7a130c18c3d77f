package realtime

import "sync"

const (
	// minPace is how many bytes a second a client whose connection is full has to take to count as one that keeps up, for which others
	// wait: 4 Mbit/s, which any line has. Where most clients are late it is the machine that is slow: then a quarter of what the fastest
	// takes will do, down to leastPace.
	minPace   = 512 << 10
	leastPace = minPace / 8
	// silenceLimit is for how many seconds a connection may take nothing before its client is dropped.
	silenceLimit = 10
)

// slowClients are the clients whose connections take less than there is for them. Safe for concurrent use.
type slowClients struct {
	mu      sync.Mutex
	clients map[*client]*progress
}

// progress is what a connection takes.
type progress struct {
	bytes int   // since the last look
	since int32 // the last look; the hub's clock
	last  int32 // when it last took anything
}

// passed is how many seconds have passed at least since the last look: the hub's clock knows whole ones.
func (p *progress) passed(now int32) int { return int(now-p.since) - 1 }

func (s *slowClients) add(c *client) {
	now := c.hub.seconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.clients[c] == nil && !c.gone.Load() {
		s.clients[c] = &progress{since: now, last: now}
		c.behind.Store(true)
	}
}

// remove is called when everything was sent.
func (s *slowClients) remove(c *client) {
	if c.behind.Load() {
		s.forget(c)
		c.resume()
	}
}

// forget is called when the client is gone, too.
func (s *slowClients) forget(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.clients, c)
	c.behind.Store(false)
}

func (s *slowClients) took(c *client, n int) {
	if !c.behind.Load() || n == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.clients[c]; p != nil {
		p.bytes += n
		p.last = c.hub.seconds()
	}
}

// pace is how many bytes a second those who keep up take, of all clients. The caller holds the lock.
func (s *slowClients) pace(now int32, all int) int {
	if 2*len(s.clients) < all {
		return minPace
	}
	fastest := 0
	for _, p := range s.clients {
		if passed := p.passed(now); passed >= 1 {
			fastest = max(fastest, p.bytes/passed)
		}
	}
	return min(max(fastest/4, leastPace), minPace)
}

// look tells apart who keeps up and who does not, and returns who has to go. all is how many clients there are.
func (s *slowClients) look(now int32, all int) (slow []*client) {
	var stalls, resumes []*client
	s.mu.Lock()
	pace := s.pace(now, all)
	for c, p := range s.clients {
		passed := p.passed(now)
		if passed < 1 {
			continue
		}
		switch {
		case now-p.last >= silenceLimit:
			slow = append(slow, c)
		case p.bytes < passed*pace:
			stalls = append(stalls, c)
		default:
			resumes = append(resumes, c)
		}
		p.bytes, p.since = 0, now
	}
	s.mu.Unlock()
	for _, c := range stalls {
		if !c.stall() {
			slow = append(slow, c)
		}
	}
	for _, c := range resumes {
		c.resume()
	}
	return slow
}

// largest returns the client that does not keep up and is owed the most, nil when there is none.
func (s *slowClients) largest() (most *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var weight int64
	for c := range s.clients {
		if w, stalled := c.owed(); stalled && w > weight {
			most, weight = c, w
		}
	}
	return most
}
