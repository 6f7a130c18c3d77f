package guests

import (
	"fmt"
	"strings"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/wasmhost"
)

// extensionID begins the IDs of the handlers that call extensions.
const extensionID = "extension:"

// binding is the handlers of a set of extensions.
type binding struct {
	hooks    *writes.Hooks
	records  map[*hooks.Hook[*writes.RecordEvent]][]*hooks.Handler[*writes.RecordEvent]
	requests map[*hooks.Hook[*writes.RecordRequestEvent]][]*hooks.Handler[*writes.RecordRequestEvent]
	enrich   []*hooks.Handler[*writes.RecordEnrichEvent]
	endings  []Ending
}

// Ending is a handler of an extension around the end of the application.
type Ending struct {
	ID       string
	Priority int
	Func     func(next func() error) error
}

// bound tells whether a handler is one that bind made.
func bound(id string) bool { return strings.HasPrefix(id, extensionID) }

// bind puts the hooks of a set of extensions in the place of those of the set before. Events under way end with the versions
// that they began with.
func (s *Service) bind(set []*wasmhost.Extension) {
	b := &binding{hooks: s.hooks, records: make(map[*hooks.Hook[*writes.RecordEvent]][]*hooks.Handler[*writes.RecordEvent]),
		requests: make(map[*hooks.Hook[*writes.RecordRequestEvent]][]*hooks.Handler[*writes.RecordRequestEvent])}
	b.records[s.hooks.Validation()] = nil
	for _, action := range []records.Action{records.Created, records.Updated, records.Deleted} {
		stages := s.hooks.Stages(action)
		b.requests[&stages.Request] = nil
		for _, h := range []*hooks.Hook[*writes.RecordEvent]{&stages.Write, &stages.Execute, &stages.Success, &stages.Failure} {
			b.records[h] = nil
		}
	}
	for _, x := range set {
		keys := hookKeys(x)
		for i, spec := range x.Hooks() {
			b.add(&hook{s: s, x: x, index: i, spec: spec}, keys[i])
		}
	}
	for h, list := range b.records {
		h.Replace(bound, list)
	}
	for h, list := range b.requests {
		h.Replace(bound, list)
	}
	s.hooks.Enrichment().Replace(bound, b.enrich)
	s.endings(bound, b.endings)
	s.calls.loaded(set)
}

// add binds one hook; key is what its calls are kept under.
func (b *binding) add(g *hook, key hookKey) {
	id := fmt.Sprintf("%s%s/%d", extensionID, g.x.Name(), g.index)
	switch g.spec.Event {
	case "record.enrich":
		b.enrich = append(b.enrich, &hooks.Handler[*writes.RecordEnrichEvent]{ID: id, Priority: g.spec.Priority, Tags: g.spec.Collections, Func: g.enrich})
		return
	case "terminate":
		g.late = true
		b.endings = append(b.endings, Ending{ID: id, Priority: g.spec.Priority, Func: g.terminate})
		return
	}
	kind, stage, _ := strings.Cut(strings.TrimPrefix(g.spec.Event, "record."), ".")
	if kind == "validate" {
		g.changes = true
		b.record(b.hooks.Validation(), g, id)
		return
	}
	action := records.Action(kind)
	if action != records.Created && action != records.Updated && action != records.Deleted {
		return // of another layer (serve), or called by name (bootstrap)
	}
	s := b.hooks.Stages(action)
	g.changes = action != records.Deleted
	switch stage {
	case "request":
		b.requests[&s.Request] = append(b.requests[&s.Request], &hooks.Handler[*writes.RecordRequestEvent]{ID: id, Priority: g.spec.Priority, Tags: g.spec.Collections, Atomic: g.spec.Atomic, Func: g.request})
	case "":
		b.record(&s.Write, g, id)
	case "execute":
		b.record(&s.Execute, g, id)
	case "success":
		g.changes, g.late, g.key = false, true, key
		b.record(&s.Success, g, id)
	case "error":
		g.changes, g.late = false, true
		b.record(&s.Failure, g, id)
	}
}

func (b *binding) record(h *hooks.Hook[*writes.RecordEvent], g *hook, id string) {
	b.records[h] = append(b.records[h], &hooks.Handler[*writes.RecordEvent]{ID: id, Priority: g.spec.Priority, Tags: g.spec.Collections, Atomic: g.spec.Atomic, Func: g.record})
}
