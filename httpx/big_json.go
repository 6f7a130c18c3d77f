package httpx

import "runtime"

// bigJSON is from which size on a body's JSON is read in a line of its own: half a millisecond of work and more.
const bigJSON = 64 << 10

// decodeJSON reads a body. Half of the cores read big ones, one after the other: a request goes through several goroutines, and
// where big bodies are read on all cores each of them waits until the runtime takes a core away from one.
func (c *Context) decodeJSON(raw []byte, dst any) error {
	if len(raw) >= bigJSON && c.server != nil {
		c.server.reading <- struct{}{}
		defer func() { <-c.server.reading }()
	}
	return decodeJSON(raw, dst)
}

// newReading returns the places of those who read big bodies.
func newReading() chan struct{} { return make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)) }
