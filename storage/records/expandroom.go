package records

// room is the memory in which an answer with expands is made. That of a list is used again for another one, which spares
// the garbage collector most of what such an answer costs. Nothing of it may be used after it was given back.
type room struct {
	text     []byte // encoded rows, one after the other; where it moves, the older ones keep the memory they are in
	nodes    slab[node]
	related  slab[related]
	branches slab[branch]
	ids      slab[string]
	lists    slab[*node]

	// What one step uses and the next one again.
	rows   []*node
	wanted []string
	byID   map[string]*node
}

// The most memory that is kept for another answer: those of usual pages fit, of large ones not.
const (
	maxRoomText  = 256 << 10
	maxRoomParts = 1024 // of each kind
)

// room returns memory for an answer.
func (s *Store) room() *room {
	if m, ok := s.rooms.Get().(*room); ok {
		return m
	}
	return &room{}
}

// giveBack takes the memory of an answer that has been written.
func (s *Store) giveBack(m *room) {
	if cap(m.text) > maxRoomText || len(m.byID) > maxRoomParts || cap(m.rows) > maxRoomParts || cap(m.wanted) > maxRoomParts {
		return
	}
	m.text = m.text[:0]
	m.nodes.reset()
	m.related.reset()
	m.branches.reset()
	m.ids.reset()
	m.lists.reset()
	clear(m.rows[:cap(m.rows)])
	clear(m.wanted[:cap(m.wanted)])
	clear(m.byID)
	s.rooms.Put(m)
}

// slab hands out parts of larger pieces of memory. Its zero value is ready to use.
type slab[T any] struct {
	piece []T
	used  int
}

const firstPiece = 8 // elements, for answers of a single record

// take returns n zero values without room for more.
func (s *slab[T]) take(n int) []T {
	if len(s.piece)-s.used < n {
		s.piece, s.used = make([]T, max(n, min(2*len(s.piece), maxRoomParts), firstPiece)), 0
	}
	part := s.piece[s.used : s.used+n : s.used+n]
	s.used += n
	return part
}

// reset makes the last piece free, unless it is too large to be kept.
func (s *slab[T]) reset() {
	if len(s.piece) > maxRoomParts {
		s.piece = nil
	}
	clear(s.piece[:min(s.used, len(s.piece))])
	s.used = 0
}
