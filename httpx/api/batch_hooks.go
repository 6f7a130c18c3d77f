package api

import (
	"context"
	"strings"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
)

// hooks tells whether hooks run around one of the requests.
func (b *batchRun) hooks(form *batchForm) bool {
	for _, item := range form.Requests {
		target, ok := item.target()
		if !ok {
			continue
		}
		col := b.h.app.Catalogue().Find(target.collection)
		if col == nil {
			continue
		}
		for _, action := range item.actions() {
			if b.h.app.Writes().Hooked(col, action) {
				return true
			}
		}
	}
	return false
}

// actions are what a request may turn out to be.
func (i *batchItem) actions() []records.Action {
	switch i.Method {
	case "POST":
		return []records.Action{records.Created}
	case "PATCH":
		return []records.Action{records.Updated}
	case "DELETE":
		return []records.Action{records.Deleted}
	}
	return []records.Action{records.Created, records.Updated}
}

// request makes the request of a part, for the hooks around it.
func (b *batchRun) request(ctx context.Context, i int) (*writes.WriteRequest, error) {
	if i == len(b.parts) {
		return nil, nil
	}
	if i == 0 {
		if err := b.identify(ctx); err != nil {
			return nil, err
		}
	}
	part := b.parts[i]
	draft, err := b.h.store.Draft(part.command, b.h.app.Writes().Look(ctx))
	if err != nil {
		return nil, err
	}
	rq := &writes.WriteRequest{Info: b.info(part), Collection: part.col, Draft: draft, Client: b.c.RealIP()}
	if draft.Action() != records.Created {
		rq.ID = part.target.id
	}
	rq.Answer = func(_ context.Context, r *records.Record) error {
		part.record = r
		return nil
	}
	return rq, nil
}

// identify looks who the caller is now that nobody else can write any more.
func (b *batchRun) identify(ctx context.Context) error {
	commands := make([]records.Command, len(b.parts))
	for i, part := range b.parts {
		commands[i] = part.command
	}
	return b.h.app.Writes().Look(ctx)(func(p records.Preparer) error { return b.h.store.Identify(p, commands) })
}

// info is a part as hooks see it.
func (b *batchRun) info(part *batchPart) *writes.RequestInfo {
	info := requestInfo(b.c, part.caller, jsonOf(part.item.Body))
	info.Request = &partRequest{Context: b.c, part: part}
	return info
}

// showing is [showing] for the record of a part.
func (b *batchRun) showing(part *batchPart) context.Context {
	if !b.h.app.Enriching() {
		return b.c.Context()
	}
	return writes.WithRequest(b.c.Context(), b.info(part))
}

// partRequest is a part of a batch as hooks see it: its own method, URL and headers on top of those of the batch.
type partRequest struct {
	*httpx.Context
	part *batchPart
}

// Method implements writes.Request.
func (r *partRequest) Method() string { return r.part.caller.Request.Method }

// Path implements writes.Request.
func (r *partRequest) Path() string {
	path, _, _ := strings.Cut(r.part.item.URL, "?")
	return path
}

// URI implements writes.Request.
func (r *partRequest) URI() string { return r.part.item.URL }

// Param implements writes.Request.
func (r *partRequest) Param(name string) string {
	switch name {
	case "collection":
		return r.part.target.collection
	case "id":
		return r.part.target.id
	}
	return ""
}

// QueryLookup implements writes.Request.
func (r *partRequest) QueryLookup(name string) (string, bool) {
	return first(r.part.target.query, name)
}

// HeaderLookup implements writes.Request.
func (r *partRequest) HeaderLookup(name string) (string, bool) {
	return r.part.caller.Request.Source.Header(filter.HeaderName(name))
}
