package app

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"sync"
	"time"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
	"github.com/troupebase/troupe/wasmhost"
)

// guestHost is what extensions reach of the server. It implements wasmhost.Host.
type guestHost struct{ a *App }

// guestCall begins a call of a guest with the request on whose behalf ctx runs.
func (a *App) guestCall(ctx context.Context) *wasmhost.Call {
	call := new(wasmhost.Call)
	info := writes.RequestOf(ctx)
	if info == nil {
		return call
	}
	call.Superuser = info.Caller.Superuser
	call.Verified = info.Auth != nil || info.Caller.Request.Auth != nil
	switch who := info.Caller.Request.Auth; {
	case who != nil && (info.Auth == nil || info.Auth.ID() != who.ID):
		call.Auth = a.identified(ctx, who)
	case info.Auth != nil:
		call.Auth = a.found(info.Auth)
	}
	call.Request = guestRequest{info.Request, info}
	if info.Request == nil {
		call.Request = guestRequest{streamRequest{info.Caller.Request}, info}
	}
	return call
}

// identified is the record of an identity. It is read when the guest asks for it; of a record that is gone only the id is left.
func (a *App) identified(ctx context.Context, who *filter.Identity) *guestRecord {
	return &guestRecord{a: a, fixed: true, at: sync.OnceValue(func() *records.Record {
		r, err := a.FindRecordByID(ctx, who.Collection.ID, who.ID)
		if err != nil {
			r = records.NewRecord(who.Collection)
			r.Set("id", who.ID)
		}
		return r
	})}
}

// streamRequest is what is left of the request of a subscriber to whom a record is shown. It implements Request.
type streamRequest struct{ of *filter.Request }

// Method implements Request.
func (r streamRequest) Method() string { return r.of.Method }

// Path implements Request.
func (streamRequest) Path() string { return "" }

// URI implements Request.
func (streamRequest) URI() string { return "" }

// Param implements Request.
func (streamRequest) Param(string) string { return "" }

// QueryLookup implements Request.
func (r streamRequest) QueryLookup(name string) (string, bool) {
	if r.of.Source == nil {
		return "", false
	}
	return r.of.Source.Query(name)
}

// HeaderLookup implements Request.
func (r streamRequest) HeaderLookup(name string) (string, bool) {
	if r.of.Source == nil {
		return "", false
	}
	return r.of.Source.Header(filter.HeaderName(name))
}

// RealIP implements Request.
func (streamRequest) RealIP() string { return "" }

// guestRequest is a request as extensions reach it. It implements wasmhost.Request.
type guestRequest struct {
	writes.Request
	info *writes.RequestInfo
}

// Param implements wasmhost.Request.
func (r guestRequest) Param(name string) (string, bool) {
	v := r.Request.Param(name)
	return v, v != ""
}

// Body implements wasmhost.Request.
func (r guestRequest) Body() ([]byte, error) {
	if r.info.Body == nil {
		return nil, nil
	}
	return r.info.Body()
}

// Situation implements wasmhost.Request.
func (r guestRequest) Situation() string { return r.info.Caller.Request.Context }

// GuestCall begins the call of a route of an extension, with the request on whose behalf ctx runs.
func (a *App) GuestCall(ctx context.Context) *wasmhost.Call { return a.guestCall(ctx) }

// caller is in whose name a guest reaches data: nil for its own, which no rule is asked about.
func caller(ctx context.Context, as wasmhost.Authority) *records.Caller {
	if as == wasmhost.AsExtension {
		return nil
	}
	if info := writes.RequestOf(ctx); info != nil {
		who := info.Caller
		return &who
	}
	return &records.Caller{Request: &filter.Request{Context: "default", Method: "GET", Now: time.Now()}}
}

func (h guestHost) collection(nameOrID string) (*schema.Collection, error) {
	c, err := h.a.find(nameOrID)
	return c, known(err)
}

// Collection implements wasmhost.Host.
func (h guestHost) Collection(_ context.Context, nameOrID string) (string, error) {
	c, err := h.collection(nameOrID)
	if err != nil {
		return "", err
	}
	return c.Name, nil
}

// Find implements wasmhost.Host.
func (h guestHost) Find(ctx context.Context, as wasmhost.Authority, collection, id string) (wasmhost.Record, error) {
	c, err := h.collection(collection)
	if err != nil {
		return nil, err
	}
	var r *records.Record
	err = h.a.writes.Look(ctx)(func(p records.Preparer) (err error) {
		r, err = h.a.store.FindByID(ctx, p, c.ID, id, caller(ctx, as))
		return err
	})
	if err != nil {
		return nil, known(err)
	}
	return h.a.found(r), nil
}

// List implements wasmhost.Host.
func (h guestHost) List(ctx context.Context, as wasmhost.Authority, collection string, q wasmhost.Query) ([]wasmhost.Record, error) {
	params := make(map[string]any, len(q.Params))
	for name, raw := range q.Params {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, errBadJSON
		}
		params[name] = v
	}
	in, err := h.a.search(collection, Find{Filter: q.Filter, Params: params, Sort: q.Sort, Limit: q.Limit, Offset: q.Offset})
	if err != nil {
		return nil, known(err)
	}
	in.Caller, in.Extension = caller(ctx, as), true
	if in.Caller == nil || in.Caller.Superuser {
		in.Permits = wasmhost.Of(ctx).Permits
	}
	list, err := h.a.findAll(ctx, in)
	if err != nil {
		return nil, known(err)
	}
	out := make([]wasmhost.Record, len(list))
	for i, r := range list {
		out[i] = h.a.found(r)
	}
	return out, nil
}

// input is a write of a guest.
func (h guestHost) input(ctx context.Context, as wasmhost.Authority, c *schema.Collection, method string, body map[string]any) records.WriteInput {
	in := records.WriteInput{CollectionID: c.ID, Incarnation: c.Incarnation, Body: body, SkipRules: as == wasmhost.AsExtension}
	who := caller(ctx, wasmhost.Caller)
	request := *who.Request
	request.Method, request.Body, request.Now = method, body, time.Now()
	in.Caller = records.Caller{Request: &request, Superuser: who.Superuser, Credential: who.Credential}
	return in
}

// write runs a draft with its hooks, and with the checks of forms where rules are asked.
func (h guestHost) write(ctx context.Context, c *schema.Collection, d *records.Draft, rules bool) (*records.Record, error) {
	r, err := h.a.writes.Form(ctx, c, d, rules, "extension "+wasmhost.Of(ctx).Name())
	return r, known(err)
}

// Create implements wasmhost.Host.
func (h guestHost) Create(ctx context.Context, as wasmhost.Authority, collection string, raw []byte) (wasmhost.Record, error) {
	c, body, err := h.begin(ctx, collection, raw)
	if err != nil {
		return nil, err
	}
	d, err := h.a.store.DraftCreate(h.input(ctx, as, c, "POST", body))
	if err != nil {
		return nil, known(err)
	}
	r, err := h.write(ctx, c, d, as == wasmhost.Caller)
	if err != nil {
		return nil, err
	}
	return h.a.found(r), nil
}

// Update implements wasmhost.Host.
func (h guestHost) Update(ctx context.Context, as wasmhost.Authority, collection, id string, raw []byte) (wasmhost.Record, error) {
	c, body, err := h.begin(ctx, collection, raw)
	if err != nil {
		return nil, err
	}
	d, err := h.a.store.DraftUpdate(id, h.input(ctx, as, c, "PATCH", body))
	if err != nil {
		return nil, known(err)
	}
	r, err := h.write(ctx, c, d, as == wasmhost.Caller)
	if err != nil {
		return nil, err
	}
	return h.a.found(r), nil
}

// Delete implements wasmhost.Host.
func (h guestHost) Delete(ctx context.Context, as wasmhost.Authority, collection, id string) error {
	c, err := h.collection(collection)
	if err != nil {
		return err
	}
	d, err := h.a.store.DraftDelete(id, h.input(ctx, as, c, "DELETE", nil))
	if err != nil {
		return known(err)
	}
	_, err = h.write(ctx, c, d, false)
	return err
}

// begin reads what creates and updates begin with.
func (h guestHost) begin(ctx context.Context, collection string, raw []byte) (*schema.Collection, map[string]any, error) {
	c, err := h.collection(collection)
	if err != nil {
		return nil, nil, err
	}
	body := make(map[string]any)
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, nil, &wasmhost.Error{Errno: wasmhost.Invalid, Message: "not a JSON object"}
	}
	if !wasmhost.Of(ctx).Granted(wasmhost.Credentials) {
		for key := range body {
			if isCredential(c, key) {
				return nil, nil, errCredential
			}
		}
	}
	return c, body, nil
}

// known makes an error one that a guest may know about; others stay as they are, for the log.
func known(err error) error {
	var fields validation.Errors
	var no *hooks.Rejection
	var class wasmhost.Errno
	if err == nil {
		return nil
	}
	outcome := writes.OutcomeOf(err)
	switch {
	case errors.As(err, &no):
		return &wasmhost.Rejection{Status: no.Status, Message: no.Message, Fields: failures(no.Fields)}
	case errors.As(err, &fields):
		return refusal(fields)
	case outcome == writes.Done: // not BUSY, which means that nothing was
		return errors.New("after a write: " + err.Error())
	case outcome == writes.Unknown:
		return &wasmhost.Error{Errno: wasmhost.Internal, Message: "the outcome is not known: it may have been written or not"}
	case outcome == writes.DiskFull:
		return &wasmhost.Error{Errno: wasmhost.Busy, Message: "the server's disk is full, nothing was written"}
	case errors.Is(err, records.ErrNotFound), errors.Is(err, records.ErrNoCollection), errors.Is(err, fs.ErrNotExist):
		class = wasmhost.NotFound
	case errors.Is(err, records.ErrForbidden), errors.Is(err, records.ErrRule), errors.Is(err, filter.ErrCollectionFilter), errors.Is(err, filter.ErrRequestFilter):
		class = wasmhost.Forbidden
	case outcome == writes.NotDone, errors.Is(err, sqlite.ErrInterrupted):
		class = wasmhost.Busy
	case errors.Is(err, writes.ErrDepth), errors.Is(err, records.ErrTooMany):
		class = wasmhost.Limit
	case errors.Is(err, writes.ErrReadOnly):
		class = wasmhost.Context
	case errors.Is(err, records.ErrQuery), errors.Is(err, records.ErrView):
		class = wasmhost.Invalid
	case errors.Is(err, records.ErrReferenced), errors.Is(err, records.ErrLastSuperuser):
		class = wasmhost.Failed
	default:
		return err
	}
	return &wasmhost.Error{Errno: class, Message: err.Error()}
}

// refusal is FAILED with the failures per field as JSON.
func refusal(fields validation.Errors) error {
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return &wasmhost.Error{Errno: wasmhost.Failed, Message: string(text)}
}

func failures(fields validation.Errors) map[string]wasmhost.FieldFailure {
	if len(fields) == 0 {
		return nil
	}
	out := make(map[string]wasmhost.FieldFailure, len(fields))
	for name, err := range fields {
		leaf := validation.Invalid
		_ = errors.As(err, &leaf)
		out[name] = wasmhost.FieldFailure{Code: leaf.Code, Message: leaf.Message}
	}
	return out
}
