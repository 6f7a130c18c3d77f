package api

import (
	"bytes"
	"context"
	"encoding/json"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/authority"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
)

// caller is on whose behalf a request runs, and what rules see of it. Parameters and headers are read from the request
// when a rule asks for them, so it must not outlive the handler; commands detach theirs when they are made.
func caller(c *httpx.Context, situation string) records.Caller {
	running := &struct {
		filter.Request
		runningRequest
	}{filter.Request{Context: situation, Method: c.Method(), Now: time.Now()}, runningRequest{c: c}}
	running.Source = &running.runningRequest
	req := &running.Request
	if c.Auth == nil {
		return records.Caller{Request: req}
	}
	who := records.Caller{Request: req, Superuser: c.Auth.Superuser}
	if session := sessionOf(c); session != nil {
		req.Auth, who.Credential = session.Identity, session.Credential
	}
	return who
}

// acting is the context of what only superusers may do.
func acting(c *httpx.Context) context.Context {
	return authority.ActingAs(c.Context(), caller(c, "default"))
}

// sessionOf returns the session of who is signed in, nil for a guest.
func sessionOf(c *httpx.Context) *auth.Session {
	if c.Auth == nil {
		return nil
	}
	session, _ := c.Auth.Record.(*auth.Session)
	return session
}

// requestInfo is a request as hooks see it.
func requestInfo(c *httpx.Context, who records.Caller, body func() ([]byte, error)) *writes.RequestInfo {
	info := &writes.RequestInfo{Request: c, Caller: who, Body: body}
	if c.Auth != nil {
		if session, ok := c.Auth.Record.(*auth.Session); ok {
			info.Auth = session.Record
		}
	}
	return info
}

// showing returns a ctx of a chain in which records are shown on behalf of a request, as far as any hook wants to know.
func showing(ctx context.Context, hooks *writes.Hooks, c *httpx.Context, who records.Caller) context.Context {
	return showingBody(ctx, hooks, c, who, c.Bytes)
}

// showingBody is showing for a request whose body hooks see as body, nil for not at all: that of a sign-in is a secret.
func showingBody(ctx context.Context, hooks *writes.Hooks, c *httpx.Context, who records.Caller, body func() ([]byte, error)) context.Context {
	if !hooks.Enriching() {
		return ctx
	}
	return writes.WithRequest(ctx, requestInfo(c, who, body))
}

// jsonOf returns a body that was read as JSON.
func jsonOf(body map[string]any) func() ([]byte, error) {
	return func() ([]byte, error) { return json.Marshal(body) }
}

// runningRequest is the parameters and headers of the request that a handler serves. It implements filter.Source.
type runningRequest struct {
	c    *httpx.Context
	read *filter.Snapshot // once a header was asked for
}

// Query implements filter.Source.
func (r *runningRequest) Query(name string) (string, bool) { return r.c.QueryLookup(name) }

// Header implements filter.Source.
func (r *runningRequest) Header(name string) (string, bool) {
	if r.read == nil {
		r.read = new(filter.Snapshot)
		r.CopyTo(r.read)
	}
	return r.read.Header(name)
}

// CopyTo implements filter.Source. Rules do not see the host.
func (r *runningRequest) CopyTo(s *filter.Snapshot) {
	r.c.VisitQuery(s.AddQuery)
	for name, value := range r.c.HeaderBytes() {
		if !bytes.EqualFold(bytes.Trim(name, headerMarks), hostHeader) {
			s.AddHeader(name, value)
		}
	}
}

// headerMarks are the characters of the name of a header that rules see as "_", or not at all at its ends.
const headerMarks = "!#$%&'*+-.^_`|~"

var hostHeader = []byte("host")

// guestReadLimit bounds the reads of those who did not sign in, so that nobody unknown keeps a core busy for long.
const guestReadLimit = 5 * time.Second

// readContext bounds the reads of a request.
func readContext(c *httpx.Context) context.Context {
	if c.Auth != nil {
		return c.Context()
	}
	return until{c.Context(), time.Now().Add(guestReadLimit)}
}

// expandContext is readContext for reads that may expand a lot: they end when nobody waits for them any more.
func expandContext(c *httpx.Context, param string) context.Context {
	if param == "" {
		return readContext(c)
	}
	return expand.WithGone(readContext(c), c.Gone)
}

// until is a context with an earlier deadline and no timer of its own: the database looks at the deadline itself.
type until struct {
	context.Context
	deadline time.Time
}

// Deadline implements context.Context.
func (u until) Deadline() (time.Time, bool) { return u.deadline, true }
