package expand

import "sync"

// memory is where an answer with expands is made. That of a list is used again for another one, which spares
// the garbage collector most of what such an answer costs. Nothing of it may be used after it was given back.
type memory struct {
	text     []byte // encoded rows, one after the other; where it moves, the older ones keep the memory they are in
	nodes    slab[Node]
	related  slab[Related]
	branches slab[branch]
	ids      slab[string]
	lists    slab[*Node]

	// What one step uses and the next one again.
	rows   []*Node
	wanted []string
	byID   map[string]*Node
}

// The most memory that is kept for another answer: those of usual pages fit, of large ones not.
const (
	maxKeptText  = 256 << 10
	maxKeptParts = 1024 // of each kind
)

// Pool keeps memory for answers. Its zero value is ready to use; it is safe for concurrent use.
type Pool struct{ free sync.Pool }

// Lend gives an answer memory that was used before.
func (p *Pool) Lend(x *Answer) {
	if m, ok := p.free.Get().(*memory); ok {
		x.mem = m
	}
}

// Take takes the memory of an answer that has been written: its nodes must not be used any more.
func (p *Pool) Take(x *Answer) {
	m := x.mem
	if x.mem = nil; m == nil {
		return
	}
	if cap(m.text) > maxKeptText || len(m.byID) > maxKeptParts || cap(m.rows) > maxKeptParts || cap(m.wanted) > maxKeptParts {
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
	p.free.Put(m)
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
		s.piece, s.used = make([]T, max(n, min(2*len(s.piece), maxKeptParts), firstPiece)), 0
	}
	part := s.piece[s.used : s.used+n : s.used+n]
	s.used += n
	return part
}

// reset makes the last piece free, unless it is too large to be kept.
func (s *slab[T]) reset() {
	if len(s.piece) > maxKeptParts {
		s.piece = nil
	}
	clear(s.piece[:min(s.used, len(s.piece))])
	s.used = 0
}
