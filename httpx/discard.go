package httpx

import (
	"fmt"
	"io"
)

// DiscardBody reads the body and forgets it. A client that gets its answer while it still sends may see a broken connection instead,
// so this stands before the refusal of a body that nobody wants; one that waits to be told to send it is not told. It fails
// with [ErrTooLarge] beyond the route's limit.
func (c *Context) DiscardBody() error {
	if c.body != nil || c.form != nil || c.bodyIs != nil {
		return c.bodyIs
	}
	if conn := c.conn; conn != nil && conn.invited != nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, c.reader()); err != nil {
		c.bodyIs = c.bodyError(err)
		return c.bodyIs
	}
	c.bodyIs = fmt.Errorf("%w: the body was discarded", ErrMalformed)
	return nil
}
