package filter

import (
	"sync"
	"sync/atomic"
)

// maxParsed is how many expressions a Cache keeps: rules and the filters of clients, which come from a program's code
// and are few.
const maxParsed = 4096

// Cache keeps parsed expressions. It is safe for concurrent use; the zero value is an empty cache.
type Cache struct {
	parsed sync.Map // text or withNames → *Expr
	count  atomic.Int64
}

// Parse is [Parse] with memory. Errors are not kept.
func (c *Cache) Parse(text string) (*Expr, error) {
	return c.remember(text, text, Parse)
}

// withNames is the key of an expression that [ParseNamed] reads: the same text means something else there.
type withNames string

// ParseNamed is [ParseNamed] with memory. Errors are not kept.
func (c *Cache) ParseNamed(text string) (*Expr, error) {
	return c.remember(withNames(text), text, ParseNamed)
}

func (c *Cache) remember(key any, text string, parse func(string) (*Expr, error)) (*Expr, error) {
	if e, ok := c.parsed.Load(key); ok {
		return e.(*Expr), nil
	}
	e, err := parse(text)
	if err != nil {
		return nil, err
	}
	if c.count.Add(1) > maxParsed {
		// Which ones are in use is not worth tracking: a filter is parsed again in microseconds.
		c.parsed.Clear()
		c.count.Store(1)
	}
	c.parsed.Store(key, e)
	return e, nil
}
