package httpx

import (
	"bytes"
	"fmt"
	"net/http"
)

const (
	// maxBodyKeys is how many keys of objects the JSON of a body may have: each costs a microsecond and some hundred bytes. The largest
	// definitions of collections have some ten thousand.
	maxBodyKeys = 1 << 16
	// maxBodyValues is how many values it may have, those in lists included: half a million numbers are more than a field of the default
	// size holds.
	maxBodyValues = 1 << 19
	// maxBodyDepth is how deep lists and objects may be nested; a value that goes deeper is read by nobody.
	maxBodyDepth = 512
	// maxPairs is how many pairs a form or a query may have, as in Go's own server.
	maxPairs = 10_000
	// maxParts is how many parts a multipart body may have, as in Go's own server.
	maxParts = 1000

	// keyBytes, valueBytes and pairBytes are what one of them keeps once it is read, beside its text.
	keyBytes, valueBytes, pairBytes = 96, 32, 160
)

// jsonCost is what the JSON of a body is made of.
type jsonCost struct{ keys, values, depth int }

// countJSON counts in a JSON text without reading it: each byte is looked at once, and nothing is kept. Of a text that is no JSON it counts what it
// would have to read.
func countJSON(raw []byte) (w jsonCost) {
	depth := 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			i = stringEnd(raw, i+1)
		case '{', '[':
			w.values++
			depth++
			w.depth = max(w.depth, depth)
		case '}', ']':
			depth--
		case ',':
			w.values++
		case ':':
			w.keys++
		}
	}
	return w
}

// stringEnd returns where the string ends whose text begins at i.
func stringEnd(raw []byte, i int) int {
	for i < len(raw) {
		end := bytes.IndexByte(raw[i:], '"')
		if end < 0 {
			return len(raw)
		}
		escape := bytes.IndexByte(raw[i:i+end], '\\')
		if escape < 0 {
			return i + end
		}
		i += escape + 2
	}
	return i
}

// few is the length of a text that can have nothing too often.
const few = maxBodyDepth

// checkJSON refuses JSON that would cost more to read than any body of use does, and charges what it will keep. Texts of one body add up. A
// superuser's may have any number of keys and values: there are imports of large sets of collections.
func (c *Context) checkJSON(raw []byte) error {
	if len(raw) <= few {
		return nil
	}
	w := countJSON(raw)
	c.json.keys += w.keys
	c.json.values += w.values
	free := c.Auth != nil && c.Auth.Superuser
	switch {
	case w.depth > maxBodyDepth:
		return fmt.Errorf("read body: %w: nested %d deep, %d are allowed", ErrMalformed, w.depth, maxBodyDepth)
	case !free && c.json.keys > maxBodyKeys:
		return tooMany("keys", maxBodyKeys)
	case !free && c.json.values > maxBodyValues:
		return tooMany("values", maxBodyValues)
	}
	return c.take(int64(w.keys)*keyBytes + int64(w.values)*valueBytes)
}

// tooMany is the answer to a body, or a query, with too many of something.
func tooMany(what string, limit int) error {
	return &Error{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("A request may have %d %s.", limit, what)}
}

// manyPairs tells whether a query has more pairs than are read.
func manyPairs(query []byte) bool {
	return len(query) > maxPairs && bytes.Count(query, []byte{'&'}) >= maxPairs
}
