package budget

import "sync"

// Share is a part of a budget for one purpose. It is safe for concurrent use. A nil Share has no limits.
type Share struct {
	name             string
	limit, perClient int64

	mu      sync.Mutex
	used    int64
	refused uint64
	clients map[string]int64 // bytes by client, those above zero
}

// Take counts n bytes as kept on behalf of a client, or fails with a [*FullError] and counts nothing. The client is whoever is
// charged: an address, or a network of addresses that belong to one subscriber. The empty client, which is the server itself, is bounded by the
// share alone.
func (s *Share) Take(client string, n int64) error {
	if s == nil || n <= 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch own := s.clients[client]; {
	case s.used+n > s.limit:
		s.refused++
		return &FullError{Share: s.name, Limit: s.limit, Wanted: n}
	case client == "":
		// Its bytes are in s.used.
	case own+n > s.perClient:
		s.refused++
		return &FullError{Share: s.name, Client: true, Limit: s.perClient, Wanted: n}
	default:
		s.clients[client] = own + n
	}
	s.used += n
	return nil
}

// Give counts n bytes of a client that Take had counted as gone.
func (s *Share) Give(client string, n int64) {
	if s == nil || n <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
	if client == "" {
		return
	}
	if own := s.clients[client] - n; own > 0 {
		s.clients[client] = own
	} else {
		delete(s.clients, client)
	}
}

// Usage is what a share holds at a moment.
type Usage struct {
	// Name is the share's.
	Name string
	// Limit and Used are in bytes, Clients is how many clients have bytes in it.
	Limit, Used int64
	Clients     int
	// Refused counts the calls of Take that failed.
	Refused uint64
}

// Usage returns what the share holds now.
func (s *Share) Usage() Usage {
	if s == nil {
		return Usage{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Usage{Name: s.name, Limit: s.limit, Used: s.used, Clients: len(s.clients), Refused: s.refused}
}
