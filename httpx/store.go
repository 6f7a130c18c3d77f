package httpx

import (
	"maps"
	"net/http"
)

// Set keeps a value until the request ends, for the middlewares and the handler that run afterwards.
func (c *Context) Set(key string, value any) {
	if c.values == nil {
		c.values = make(map[string]any)
	}
	c.values[key] = value
}

// Get returns what was set under key, nil for nothing.
func (c *Context) Get(key string) any { return c.values[key] }

// Values returns a copy of all that was set.
func (c *Context) Values() map[string]any {
	if c.values == nil {
		return map[string]any{}
	}
	return maps.Clone(c.values)
}

// Cookie returns the value of a cookie as it was sent.
func (c *Context) Cookie(name string) (string, bool) {
	for k, v := range c.ctx.Request.Header.Cookies() {
		if string(k) == name {
			return string(v), true
		}
	}
	return "", false
}

// SetCookie adds a cookie to the answer, one with a name that cannot be sent is left out. It is kept when an error is
// returned afterwards, as all headers are.
func (c *Context) SetCookie(cookie *http.Cookie) {
	if line := cookie.String(); line != "" {
		c.ctx.Response.Header.Add("Set-Cookie", line)
	}
}
