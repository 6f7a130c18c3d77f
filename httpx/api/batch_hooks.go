package api

import (
	"context"
	"strings"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/filter"
)

// info is a part as hooks see it.
func (b *batchRun) info(part *batchPart) *writes.RequestInfo {
	info := requestInfo(b.c, part.caller, jsonOf(part.item.Body))
	info.Request = &partRequest{Context: b.c, part: part}
	return info
}

// showing is [showing] for the record of a part.
func (b *batchRun) showing(part *batchPart) context.Context {
	if !b.h.hooks.Enriching() {
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
