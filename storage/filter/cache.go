package filter

import (
	"sync"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/cache"
)

// maxParsed is how many bytes of expressions a Cache keeps: rules and the filters of clients, which come from a program's code
// and are few. An expression of 50 bytes takes about 1 KB, the largest that a client may send 300 KB.
const maxParsed = 4 << 20

// Cache keeps parsed expressions. It is safe for concurrent use; the zero value is an empty cache.
type Cache struct {
	once   sync.Once
	share  *budget.Share
	parsed *cache.Cache[*Expr]
}

// NewCache returns a cache whose bytes are taken from share; nil has no limits.
func NewCache(share *budget.Share) *Cache { return &Cache{share: share} }

// Parse is [Parse] with memory. Errors are not kept.
func (c *Cache) Parse(text string) (*Expr, error) {
	return c.remember(text, text, Parse)
}

// withNames begins the key of an expression with parameters: the same text means something else there. No text that
// [Parse] takes begins so.
const withNames = "\x00"

// ParseNamed is [Cache.Parse] for the expression of a program: it may hold parameters, written {:name} in the place of a text or
// number. Their values are bound when the query runs and never become part of the expression, so that no value can change
// what it means, and expressions with other values share a compiled query. [Request.Params] must have them all.
func (c *Cache) ParseNamed(text string) (*Expr, error) {
	return c.remember(withNames+text, text, parseNamed)
}

func (c *Cache) remember(key, text string, parse func(string) (*Expr, error)) (*Expr, error) {
	c.once.Do(func() { c.parsed = cache.New[*Expr](maxParsed, c.share) })
	if e, ok := c.parsed.Get(key); ok {
		return e, nil
	}
	e, err := parse(text)
	if err != nil {
		return nil, err
	}
	c.parsed.Put(key, e, e.bytes())
	return e, nil
}

// What the parts of an expression take in memory, about: measured by TestCostsAreHonest.
const (
	itemBytes       = 48
	comparisonBytes = 176
	operandBytes    = 64
	identifierBytes = 88
)

// bytes is about what the expression takes in memory.
func (e *Expr) bytes() int64 {
	n := int64(len(e.text)) + 128
	for _, s := range e.requests {
		n += int64(len(s)) + 16
	}
	return n + itemsBytes(e.items)
}

func itemsBytes(items []item) (n int64) {
	for i := range items {
		n += itemBytes
		if c := items[i].comparison; c != nil {
			n += comparisonBytes + c.left.bytes() + c.right.bytes()
		}
		n += itemsBytes(items[i].group)
	}
	return n
}

// bytes is what an operand takes beside its own fields, which are the comparison's.
func (o *operand) bytes() (n int64) {
	n = int64(len(o.text))
	if o.ref != nil {
		n += identifierBytes + int64(len(o.text))
	}
	for i := range o.args {
		n += operandBytes + o.args[i].bytes()
	}
	return n
}

// paramBytes is what a parameter of a query takes, its literal included but for its text.
const paramBytes = 224

// Bytes is about what the query takes in memory.
func (q *Query) Bytes() int64 {
	n := int64(256 + len(q.From) + len(q.Where) + len(q.Order) + paramBytes*len(q.params))
	for i := range q.params {
		if s, ok := q.params[i].literal.(string); ok {
			n += int64(len(s))
		}
	}
	for _, t := range q.Tables {
		n += int64(len(t)) + 16
	}
	return n
}
