package writes

import (
	"context"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// RecordEnrichEvent is a record on its way to whoever asked for it. Hooks may change, hide and add what is shown; the server's
// own part, which decides about hidden fields and emails, is the innermost action.
type RecordEnrichEvent struct {
	hooks.Base
	// RequestInfo is on whose behalf the record is shown. Its Caller.Request.Context says where: "default", "expand", "realtime".
	*RequestInfo
	// Shown is the copy that is shown.
	Shown *records.Shown

	ctx context.Context
}

// Context carries the chain of calls. Nothing can be written with it.
func (e *RecordEnrichEvent) Context() context.Context { return e.ctx }

// HasTag implements hooks.Event: the tags are the collection's name and id.
func (e *RecordEnrichEvent) HasTag(tag string) bool { return tagged(e.Shown.Record().Collection, tag) }

// OnRecordEnrich is the hook around each record that is shown to somebody: in answers, in what they expand, in realtime
// messages. Its handlers are called for each of them, so they should be quick, and return when the event's Context ends: realtime
// messages leave in the order of the commits, so a client whose message takes longer than two seconds goes without it, and
// writes of the collection may wait for as long. An error fails the answer, or leaves the client of a realtime message out; who rather shows the record
// without its content calls its Withhold.
func (h *Hooks) OnRecordEnrich(collections ...string) *hooks.Tagged[*RecordEnrichEvent] {
	return h.enrich.Tag(collections...)
}

// Enriching tells whether any hook runs around records that are shown.
func (h *Hooks) Enriching() bool { return h.enrich.Length() > 0 }

// Enricher returns what runs the hooks around records that are shown, for the store.
func (h *Hooks) Enricher() records.Enricher { return enricher{h} }

// enricher implements records.Enricher.
type enricher struct{ hooks *Hooks }

// Enriches implements records.Enricher.
func (x enricher) Enriches(c *schema.Collection) bool { return x.hooks.enrich.Bound(c.Name, c.ID) }

// Enrich implements records.Enricher.
func (x enricher) Enrich(ctx context.Context, v *records.Shown, caller *records.Caller, inner func() error) error {
	s := scopeOf(ctx)
	s.showing = true
	info := &RequestInfo{Caller: *caller}
	if s.request != nil {
		info.Request, info.Auth, info.Body = s.request.Request, s.request.Auth, s.request.Body
	}
	s.request = info
	e := &RecordEnrichEvent{RequestInfo: info, Shown: v, ctx: s.in(ctx)}
	return x.hooks.enrich.Trigger(e, func(*RecordEnrichEvent) error { return inner() })
}
