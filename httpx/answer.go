package httpx

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/valyala/fasthttp"
)

// Buffer returns an empty buffer of the answer's own memory. Append to it and give the result to [Context.Send]; then no
// byte is copied.
func (c *Context) Buffer() []byte {
	c.dropStream()
	return c.ctx.Response.SwapBody(nil)[:0]
}

// Send answers with JSON and takes ownership of body. A newline is added at its end, and when the query has "fields" only
// those are kept. A large answer is charged to the client, see [Context.Room].
func (c *Context) Send(status int, body []byte) error {
	if len(c.query) > 0 && c.server.opts.Pick != nil {
		if fields := c.Query("fields"); fields != "" {
			picked, err := c.server.opts.Pick(nil, body, fields)
			if err != nil {
				return err
			}
			if body = picked; len(body) == 0 {
				c.SendRaw(status, "application/json", nil)
				return nil
			}
		}
	}
	if len(body) == 0 || body[len(body)-1] != '\n' {
		body = append(body, '\n')
	}
	if err := c.Room(len(body)); err != nil {
		return err
	}
	c.SendRaw(status, "application/json", body)
	return nil
}

// SendJSON is [Context.Send] of v encoded with encoding/json, for the answers that are not worth an encoder of their own.
func (c *Context) SendJSON(status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return c.Send(status, body)
}

// SendRaw answers with a body of any type as it is and takes ownership of it. An answer written before is replaced.
func (c *Context) SendRaw(status int, contentType string, body []byte) {
	c.sent = true
	c.dropStream()
	c.ctx.SetStatusCode(status)
	c.ctx.Response.Header.SetContentType(contentType)
	c.ctx.Response.SwapBody(body)
}

// NoContent answers 204.
func (c *Context) NoContent() error {
	c.sent = true
	c.ctx.Response.ResetBody()
	c.ctx.SetStatusCode(fasthttp.StatusNoContent)
	return nil
}

// Redirect answers with status, one of 300 to 399, and a Location, without a body.
func (c *Context) Redirect(status int, location string) error {
	if status < 300 || status > 399 {
		return &Error{Status: http.StatusInternalServerError, Message: "Invalid redirect status code.",
			Cause: errors.New("redirect with status " + strconv.Itoa(status))}
	}
	c.sent = true
	c.ctx.Response.ResetBody()
	c.ctx.SetStatusCode(status)
	c.ctx.Response.Header.Set("Location", location)
	return nil
}

// String answers with plain text.
func (c *Context) String(status int, text string) error {
	c.SendRaw(status, "text/plain; charset=utf-8", append(c.Buffer(), text...))
	return nil
}

// HTML answers with a page.
func (c *Context) HTML(status int, page string) error {
	c.SendRaw(status, "text/html; charset=utf-8", append(c.Buffer(), page...))
	return nil
}

// Blob answers with a copy of body.
func (c *Context) Blob(status int, contentType string, body []byte) error {
	c.SendRaw(status, contentType, append(c.Buffer(), body...))
	return nil
}

// StatusCode returns the status of the answer as it is now, 200 when nothing was written. An error on its way out is not
// in it yet.
func (c *Context) StatusCode() int { return c.ctx.Response.StatusCode() }

// Written tells whether there is an answer already, which a further one would replace.
func (c *Context) Written() bool {
	r := &c.ctx.Response
	return c.sent || c.ctx.Hijacked() || r.IsBodyStream() || r.StatusCode() != http.StatusOK || len(r.Body()) > 0
}

// dropStream forgets a file that was to be sent, so that writing something else does not read it first.
func (c *Context) dropStream() {
	if c.ctx.Response.IsBodyStream() {
		c.ctx.Response.ResetBody()
	}
}
