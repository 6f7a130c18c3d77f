package guests

import (
	"context"
	"sync"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/wasmhost"
)

// Call begins the call of an extension with the request on whose behalf ctx runs.
func (s *Service) Call(ctx context.Context) *wasmhost.Call {
	call := new(wasmhost.Call)
	info := writes.RequestOf(ctx)
	if info == nil {
		return call
	}
	call.Superuser = info.Caller.Superuser
	call.Verified = info.Auth != nil || info.Caller.Request.Auth != nil
	switch who := info.Caller.Request.Auth; {
	case who != nil && (info.Auth == nil || info.Auth.ID() != who.ID):
		call.Auth = s.identified(ctx, who)
	case info.Auth != nil:
		call.Auth = found(s.access.store, info.Auth)
	}
	call.Request = request{info.Seen(), info}
	return call
}

// identified is the record of an identity. It is read when the extension asks for it; of a record that is gone only the id is left.
func (s *Service) identified(ctx context.Context, who *filter.Identity) *record {
	return &record{store: s.access.store, fixed: true, at: sync.OnceValue(func() *records.Record {
		r, err := s.access.find(ctx, who.Collection, who.ID, nil)
		if err != nil {
			r = records.NewRecord(who.Collection)
			r.Set("id", who.ID)
		}
		return r
	})}
}

// request is a request as extensions reach it. It implements wasmhost.Request.
type request struct {
	writes.Request
	info *writes.RequestInfo
}

// Param implements wasmhost.Request.
func (r request) Param(name string) (string, bool) {
	v := r.Request.Param(name)
	return v, v != ""
}

// Body implements wasmhost.Request.
func (r request) Body() ([]byte, error) {
	if r.info.Body == nil {
		return nil, nil
	}
	return r.info.Body()
}

// Situation implements wasmhost.Request.
func (r request) Situation() string { return r.info.Caller.Request.Context }
