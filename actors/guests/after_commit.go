package guests

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/wasmhost"
)

// maxPath is how many bytes of a request's path are kept with a call.
const maxPath = 2 << 10

// hookKeys names the hooks of an extension by event, collections and how many of the same stand before, so that other hooks may come and go around them.
func hookKeys(x *wasmhost.Extension) []hookKey {
	specs := x.Hooks()
	keys := make([]hookKey, len(specs))
	same := make(map[string]int, len(specs))
	for i, spec := range specs {
		names := slices.Clone(spec.Collections)
		slices.Sort(names)
		list, _ := json.Marshal(names) // texts always encode
		name := spec.Event + " " + string(list)
		keys[i] = hookKey{x.Name(), name + " " + strconv.Itoa(same[name])}
		same[name]++
	}
	return keys
}

// afterCommit calls the guest after a commit. What does not come to its end, for a reason that is not the guest's own no, is kept and made again; so
// is what would overtake an earlier call for the same record.
func (g *hook) afterCommit(e *writes.RecordEvent, call *wasmhost.Call) error {
	call.ID = sync.OnceValue(rand.Text)
	about := subject{e.Record.Collection.ID, e.Record.ID()}
	var state []byte
	var err error
	if g.s.calls.waits(g.key, about) {
		err = errBehind
	} else if g.spec.Before {
		state, err = g.x.Before(e.Context(), g.index, call)
	}
	if g.ended(err) {
		g.keep(e, call, err)
		return e.Next()
	}
	if err := e.Next(); err != nil || !g.spec.After {
		return err
	}
	if err := g.x.After(e.Context(), g.index, call, state); g.ended(err) {
		g.keep(e, call, err)
	}
	return nil
}

// ended tells whether a call is to be made again. A no is the guest's own: it goes into the log.
func (g *hook) ended(err error) (early bool) {
	if no := answered(err); no != nil {
		_ = g.answer(err)
		return false
	}
	return err != nil
}

// answered is a guest's own no to what has happened already, which ends its call. One with a status from 500 on is none: with it the SDKs say that
// the handler failed, or panicked.
func answered(err error) (no *wasmhost.Rejection) {
	if errors.As(err, &no) && no.Status < http.StatusInternalServerError {
		return no
	}
	return nil
}

// keep has a call made again.
func (g *hook) keep(e *writes.RecordEvent, call *wasmhost.Call, why error) {
	q := g.s.calls
	now := q.now()
	c := &calls.Call{
		ID: call.ID(), Extension: g.x.Name(), Hook: g.key.hook, Event: g.spec.Event, Collection: e.Record.Collection.ID, Record: e.Record.ID(),
		Data: g.s.access.store.AppendRecord(nil, e.Record), Asker: askerOf(e.Context()), Depth: writes.Depth(e.Context()),
		Next: now, Error: why.Error(), Created: now, State: calls.Waiting,
	}
	if attempted(why) && !errors.Is(why, errBehind) {
		c.Attempts, c.Next = 1, now.Add(pause(1))
	}
	if len(c.Data) > calls.MaxRecord {
		c.Data = nil
	}
	q.keep(e.Context(), c)
}

// askerOf is what of the request on whose behalf ctx runs is kept, nil for none.
func askerOf(ctx context.Context) *calls.Asker {
	info := writes.RequestOf(ctx)
	if info == nil {
		return nil
	}
	seen := info.Seen()
	path := seen.Path()
	a := &calls.Asker{Method: seen.Method(), Path: path[:min(len(path), maxPath)], IP: seen.RealIP(), Superuser: info.Caller.Superuser}
	if r := info.Caller.Request; r != nil {
		a.Situation = r.Context
		if r.Auth != nil {
			a.Collection, a.Record = r.Auth.Collection.ID, r.Auth.ID
		}
	}
	if a.Record == "" && info.Auth != nil {
		a.Collection, a.Record = info.Auth.Collection.ID, info.Auth.ID()
	}
	return a
}

// makeAgain makes a call that was kept, with the loaded version of its hook. It holds neither the record's lock nor the Writer.
func (s *Service) makeAgain(ctx context.Context, on hookAt, h *calls.Header) error {
	r, err := s.keptRecord(ctx, h)
	if err != nil {
		return err
	}
	info, err := s.askerAgain(ctx, h.Asker)
	if err != nil {
		return err
	}
	ctx = writes.Resume(ctx, info, h.Depth)
	call := s.Call(ctx)
	call.Record, call.ID, call.Again = found(s.access.store, r), func() string { return h.ID }, true
	spec := on.x.Hooks()[on.index]
	var state []byte
	if spec.Before {
		if state, err = on.x.Before(ctx, on.index, call); err != nil {
			return err
		}
	}
	if spec.After {
		return on.x.After(ctx, on.index, call, state)
	}
	return nil
}

// keptRecord is the record of a call as it was stored then. Where that was too long to be kept it is the one that is stored now, and of one that is gone only the id.
func (s *Service) keptRecord(ctx context.Context, h *calls.Header) (*records.Record, error) {
	c := s.access.catalogue().ByID(h.Collection)
	if c == nil {
		return nil, fmt.Errorf("%w: its collection is gone", errHopeless)
	}
	if h.DataBytes > 0 {
		r, err := records.RestoreRecord(c, h.Data)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errHopeless, err)
		}
		return r, nil
	}
	r, err := s.access.find(ctx, c, h.Record, nil)
	if errors.Is(err, records.ErrNotFound) {
		r, err = records.NewRecord(c), nil
		r.Set("id", h.Record)
	}
	return r, err
}

// askerAgain is on whose behalf a call was made, as they are now: somebody who is gone is a guest.
func (s *Service) askerAgain(ctx context.Context, a *calls.Asker) (*writes.RequestInfo, error) {
	if a == nil {
		return nil, nil
	}
	info := &writes.RequestInfo{Request: keptRequest{a}}
	info.Caller.Request = &filter.Request{Context: a.Situation, Method: a.Method, Now: time.Now()}
	if a.Record == "" {
		info.Caller.Superuser = a.Superuser // the server itself, in the name of nobody
		return info, nil
	}
	c := s.access.catalogue().ByID(a.Collection)
	if c == nil || !c.IsAuth() {
		return info, nil
	}
	who, err := s.access.find(ctx, c, a.Record, nil)
	if errors.Is(err, records.ErrNotFound) {
		return info, nil
	}
	if err != nil {
		return nil, err
	}
	identity := who.Identity()
	info.Auth, info.Caller.Request.Auth, info.Caller.Superuser = who, identity, a.Superuser && identity.Superuser
	return info, nil
}

// keptRequest is what is left of a request. It implements writes.Request.
type keptRequest struct{ of *calls.Asker }

// Method implements writes.Request.
func (r keptRequest) Method() string { return r.of.Method }

// Path implements writes.Request.
func (r keptRequest) Path() string { return r.of.Path }

// URI implements writes.Request.
func (r keptRequest) URI() string { return r.of.Path }

// Param implements writes.Request.
func (keptRequest) Param(string) string { return "" }

// QueryLookup implements writes.Request.
func (keptRequest) QueryLookup(string) (string, bool) { return "", false }

// HeaderLookup implements writes.Request.
func (keptRequest) HeaderLookup(string) (string, bool) { return "", false }

// RealIP implements writes.Request.
func (r keptRequest) RealIP() string { return r.of.IP }
