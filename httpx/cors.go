package httpx

import "strings"

// cors answers which origins may read answers. It is immutable.
type cors struct {
	all     bool
	origins []string
}

func newCORS(origins []string) cors {
	if len(origins) == 0 {
		return cors{all: true}
	}
	c := cors{origins: origins}
	for _, o := range origins {
		c.all = c.all || o == "*"
	}
	return c
}

// allowed returns the value of Access-Control-Allow-Origin, "" for none.
func (o *cors) allowed(origin []byte) string {
	if len(origin) == 0 {
		return ""
	}
	if o.all {
		return "*"
	}
	for _, pattern := range o.origins {
		if wildcard(pattern, string(origin)) {
			return string(origin)
		}
	}
	return ""
}

// wildcard matches all of s: '*' stands for any text, '?' for one byte. It takes len(pattern)·len(s) steps at most.
func wildcard(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// preflight answers OPTIONS, whatever the path.
func (s *Server) preflight(c *Context) {
	h := &c.ctx.Response.Header
	h.Add("Vary", "Origin")
	if allow := s.cors.allowed(c.ctx.Request.Header.Peek("Origin")); allow != "" {
		h.Add("Vary", "Access-Control-Request-Method")
		h.Add("Vary", "Access-Control-Request-Headers")
		h.Set("Access-Control-Allow-Origin", allow)
		h.Set("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
		if want := c.ctx.Request.Header.Peek("Access-Control-Request-Headers"); len(want) > 0 {
			h.SetBytesV("Access-Control-Allow-Headers", want)
		}
	}
	c.ctx.SetStatusCode(204)
}
