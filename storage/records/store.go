package records

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/cache"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxPlans is how many bytes of compiled queries are kept for one number of the catalogue. Programs send few different ones, of some KB
// each; a client that makes filters up only costs itself the compilation.
const maxPlans = 8 << 20

// Options configure a [Store].
type Options struct {
	// ExpandAll expands the relations of every answer, level by level, without being asked.
	ExpandAll bool
	// Enricher is user code around what is shown; nil means none.
	Enricher Enricher
	// Passwords hashes and compares passwords. A store that writes none needs none.
	Passwords Passwords
	// Filters bounds the bytes of compiled filters and what is remembered of their results, Rows those of answers while they are put
	// together. nil has no limits.
	Filters, Rows *budget.Share
}

// Store reads and prepares writes. It is safe for concurrent use.
type Store struct {
	db         *sqlite.DB
	catalogue  func() *schema.Catalogue
	opts       Options
	parsed     *filter.Cache
	plans      atomic.Pointer[planCache]
	totals     totals
	memory     expand.Pool
	running    atomic.Pointer[runningDeletion] // the deletion in pieces that is under way, nil for none
	sizes      pieceSizes
	unfinished atomic.Bool // a deletion was given up, and what was noted of it is still there
}

// NewStore returns a store on an open database. catalogue returns the current snapshot; inside the Writer and behind
// its gate it is the one that belongs to the tables.
func NewStore(db *sqlite.DB, catalogue func() *schema.Catalogue, o Options) *Store {
	s := &Store{db: db, catalogue: catalogue, opts: o, sizes: pieceSizes{short: maxShort, part: partSize}, parsed: filter.NewCache(o.Filters)}
	s.totals.known = cache.New[*total](maxTotals, o.Filters)
	s.plans.Store(&planCache{})
	return s
}

// planCache holds what was compiled under one number of the catalogue.
type planCache struct {
	number     uint64
	mu         sync.RWMutex
	plans      *cache.Cache[*plan]
	encoders   map[encoderKey]*encoder
	statements map[string]*statements // by collection id
}

type encoderKey struct {
	collection string
	layout     layout
}

// compiled returns the cache for a catalogue. One for an older catalogue than the current is not kept.
func (s *Store) compiled(cat *schema.Catalogue) *planCache {
	for {
		pc := s.plans.Load()
		if pc.number == cat.Number && pc.plans != nil {
			return pc
		}
		next := &planCache{number: cat.Number, encoders: make(map[encoderKey]*encoder), statements: make(map[string]*statements)}
		if pc.number > cat.Number {
			next.plans = cache.New[*plan](maxPlans, nil) // it is gone with the read
			return next
		}
		next.plans = cache.New[*plan](maxPlans, s.opts.Filters)
		if s.plans.CompareAndSwap(pc, next) {
			if pc.plans != nil {
				pc.plans.Close()
			}
			return next
		}
	}
}

// plan returns the plan under key, making it when there is none. key is not kept.
func (pc *planCache) plan(key []byte, make func() (*plan, error)) (*plan, error) {
	if p, ok := pc.plans.GetBytes(key); ok {
		return p, nil
	}
	p, err := make()
	if err != nil {
		return nil, err
	}
	pc.plans.Put(string(key), p, p.bytes())
	return p, nil
}

// bytes is about what the plan takes in memory.
func (p *plan) bytes() int64 {
	n := 320 + len(p.sql) + len(p.count) + len(p.start) + len(p.growth) + 24*len(p.relations)
	if p.tolerant.Load() != nil {
		n += len(p.sql)
	}
	return int64(n) + p.query.Bytes()
}

func (pc *planCache) encoder(c *schema.Collection, l layout) *encoder {
	key := encoderKey{c.ID, l}
	pc.mu.RLock()
	e := pc.encoders[key]
	pc.mu.RUnlock()
	if e != nil {
		return e
	}
	e = newEncoder(c, l)
	pc.mu.Lock()
	pc.encoders[key] = e
	pc.mu.Unlock()
	return e
}

// parse reads a rule or filter, "" as nil.
func (s *Store) parse(text string) (*filter.Expr, error) {
	if text == "" {
		return nil, nil
	}
	e, err := s.parsed.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrQuery, err)
	}
	return e, nil
}
