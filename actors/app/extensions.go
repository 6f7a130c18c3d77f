package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
	"github.com/troupebase/troupe/wasmhost"
)

// ExtensionOptions say where extensions are.
type ExtensionOptions struct {
	// Dir holds the modules, *.wasm. It may be missing.
	Dir string
	// CacheDir keeps compiled code; "" keeps it in memory.
	CacheDir string
	// Limits bound calls and instances; the zero value is the defaults of package wasmhost.
	Limits wasmhost.Limits
	// Grants are what the operator lets extensions do, by their names.
	Grants map[string][]wasmhost.Grant
	// Routes puts the routes of a set of extensions in place. An error refuses the set, and the routes stay as they were.
	// Nil means that routes are not served.
	Routes func(set []*wasmhost.Extension) error
}

// LoadExtensions loads the extensions of a directory, binds their hooks and reloads them when their files change. It is called
// once, after [App.Bootstrap], and runs the bootstrap hooks of those it finds; an error of one of these is returned. Files
// that cannot be loaded are logged.
func (a *App) LoadExtensions(ctx context.Context, o ExtensionOptions) (err error) {
	a.extensions, err = wasmhost.Open(ctx, wasmhost.Options{
		Dir: o.Dir, CacheDir: o.CacheDir, Host: guestHost{a}, Logger: a.log, Limits: o.Limits, Grants: o.Grants, Watch: true,
		Changed: func(set []*wasmhost.Extension) error {
			if o.Routes != nil {
				if err := o.Routes(set); err != nil {
					return err
				}
			}
			a.bindExtensions(set)
			return nil
		},
	})
	if err != nil {
		return fmt.Errorf("load extensions: %w", err)
	}
	for _, x := range a.extensions.Extensions() {
		if err := CallEvent(ctx, x, "bootstrap"); err != nil {
			return fmt.Errorf("start extension %s: %w", x.Name(), err)
		}
	}
	return nil
}

// Extensions returns the loaded extensions, ordered by name.
func (a *App) Extensions() []*wasmhost.Extension {
	if a.extensions == nil {
		return nil
	}
	return a.extensions.Extensions()
}

// ReloadExtensions looks at the directory of the extensions now, which otherwise happens when something in it changes.
func (a *App) ReloadExtensions(ctx context.Context) error {
	if a.extensions == nil {
		return nil
	}
	return a.extensions.Reload(ctx)
}

// CallEvent calls the hooks of an extension for an event that is about no record.
func CallEvent(ctx context.Context, x *wasmhost.Extension, event string) error {
	for i, spec := range x.Hooks() {
		if spec.Event != event {
			continue
		}
		g := &guestHook{x: x, index: i, spec: spec}
		if err := g.around(ctx, &wasmhost.Call{}, func() error { return nil }); err != nil {
			return err
		}
	}
	return nil
}

// extensionID begins the IDs of the handlers that call extensions.
const extensionID = "extension:"

// binding is the handlers of a set of extensions.
type binding struct {
	a        *App
	records  map[*hooks.Hook[*writes.RecordEvent]][]*hooks.Handler[*writes.RecordEvent]
	requests map[*hooks.Hook[*writes.RecordRequestEvent]][]*hooks.Handler[*writes.RecordRequestEvent]
	enrich   []*hooks.Handler[*writes.RecordEnrichEvent]
	end      []*hooks.Handler[*TerminateEvent]
}

// bindExtensions puts the hooks of a set of extensions in the place of those of the set before. Events under way end with the
// versions that they began with.
func (a *App) bindExtensions(set []*wasmhost.Extension) {
	b := &binding{a: a, records: make(map[*hooks.Hook[*writes.RecordEvent]][]*hooks.Handler[*writes.RecordEvent]),
		requests: make(map[*hooks.Hook[*writes.RecordRequestEvent]][]*hooks.Handler[*writes.RecordRequestEvent])}
	b.records[a.Validation()] = nil
	for _, s := range []*writes.Stages{a.Stages(records.Created), a.Stages(records.Updated), a.Stages(records.Deleted)} {
		b.requests[&s.Request] = nil
		for _, h := range []*hooks.Hook[*writes.RecordEvent]{&s.Write, &s.Execute, &s.Success, &s.Failure} {
			b.records[h] = nil
		}
	}
	for _, x := range set {
		for i, spec := range x.Hooks() {
			b.add(&guestHook{a: a, x: x, index: i, spec: spec})
		}
	}
	ours := func(id string) bool { return strings.HasPrefix(id, extensionID) }
	for h, list := range b.records {
		h.Replace(ours, list)
	}
	for h, list := range b.requests {
		h.Replace(ours, list)
	}
	a.Enrichment().Replace(ours, b.enrich)
	a.terminate.Replace(ours, b.end)
}

// add binds one hook.
func (b *binding) add(g *guestHook) {
	id := fmt.Sprintf("%s%s/%d", extensionID, g.x.Name(), g.index)
	switch g.spec.Event {
	case "record.enrich":
		b.enrich = append(b.enrich, &hooks.Handler[*writes.RecordEnrichEvent]{ID: id, Priority: g.spec.Priority, Tags: g.spec.Collections, Func: g.enrich})
		return
	case "terminate":
		g.late = true
		b.end = append(b.end, &hooks.Handler[*TerminateEvent]{ID: id, Priority: g.spec.Priority, Func: g.terminate})
		return
	}
	kind, stage, _ := strings.Cut(strings.TrimPrefix(g.spec.Event, "record."), ".")
	if kind == "validate" {
		g.changes = true
		b.record(b.a.Validation(), g, id)
		return
	}
	action := records.Action(kind)
	if action != records.Created && action != records.Updated && action != records.Deleted {
		return // of another layer (serve), or called by name (bootstrap)
	}
	s := b.a.Stages(action)
	g.changes = action != records.Deleted
	switch stage {
	case "request":
		b.requests[&s.Request] = append(b.requests[&s.Request], &hooks.Handler[*writes.RecordRequestEvent]{ID: id, Priority: g.spec.Priority, Tags: g.spec.Collections, Func: g.request})
	case "":
		b.record(&s.Write, g, id)
	case "execute":
		b.record(&s.Execute, g, id)
	case "success":
		g.changes, g.late = false, true
		b.record(&s.Success, g, id)
	case "error":
		g.changes, g.late = false, true
		b.record(&s.Failure, g, id)
	}
}

func (b *binding) record(h *hooks.Hook[*writes.RecordEvent], g *guestHook, id string) {
	b.records[h] = append(b.records[h], &hooks.Handler[*writes.RecordEvent]{ID: id, Priority: g.spec.Priority, Tags: g.spec.Collections, Func: g.record})
}

// guestHook is one hook of an extension.
type guestHook struct {
	a     *App
	x     *wasmhost.Extension
	index int
	spec  wasmhost.HookSpec
	// changes tells that what the guest makes of the record counts, late that its answer does not.
	changes, late bool
}

// around calls the guest on the way in and out.
func (g *guestHook) around(ctx context.Context, call *wasmhost.Call, next func() error) error {
	var state []byte
	if g.spec.Before {
		var err error
		within, end := writes.UnderWriter(ctx)
		state, err = g.x.Before(within, g.index, call)
		end()
		if err != nil {
			if err = g.answer(err); err != nil {
				return err
			}
		}
	}
	if record, ok := call.Record.(*guestRecord); ok && record.shown == nil {
		record.fixed = true
	}
	if err := next(); err != nil {
		return err
	}
	if !g.spec.After {
		return nil
	}
	within, end := writes.UnderWriter(ctx)
	defer end()
	if err := g.x.After(within, g.index, call, state); err != nil {
		return g.answer(tooLate(err))
	}
	return nil
}

// answer makes of an error of the guest what its hook returns. Where nothing depends on the guest any more, its failures are
// in the log and nowhere else.
func (g *guestHook) answer(err error) error {
	var no *wasmhost.Rejection
	switch {
	case errors.As(err, &no) && g.late:
		g.a.log.Info("extension: a rejection after the outcome changes nothing", "extension", g.x.Name(), "event", g.spec.Event, "message", no.Error())
		return nil
	case errors.As(err, &no):
		return Rejection(no)
	case g.late:
		g.a.log.Error("extension: a hook after the outcome failed", "extension", g.x.Name(), "event", g.spec.Event, "error", err)
		return nil
	}
	return err
}

// tooLate makes a failure for want of time or room a fault: what the hook was about has happened, so nobody must be told to
// try again.
func tooLate(err error) error {
	var no *wasmhost.Rejection
	if errors.As(err, &no) {
		return err
	}
	return &wasmhost.Fault{Kind: wasmhost.Limited, Message: err.Error()}
}

// Rejection is a guest's no as hooks say it.
func Rejection(no *wasmhost.Rejection) error {
	out := &hooks.Rejection{Status: no.Status, Message: no.Message}
	for name, failure := range no.Fields {
		if out.Fields == nil {
			out.Fields = make(validation.Errors, len(no.Fields))
		}
		out.Fields[name] = validation.New(failure.Code, failure.Message)
	}
	return out
}

// skips tells whether the hook is not for records of c: those of system collections are secrets of the server, so a hook has
// to name them.
func (g *guestHook) skips(c *schema.Collection) bool {
	return len(g.spec.Collections) == 0 && (c.System || strings.HasPrefix(c.Name, "_"))
}

func (g *guestHook) record(e *writes.RecordEvent) error {
	if g.skips(e.Record.Collection) {
		return e.Next()
	}
	call := g.a.guestCall(e.Context())
	call.Record = &guestRecord{a: g.a, at: func() *records.Record { return e.Record }, fixed: !g.changes, credentials: g.x.Granted(wasmhost.Credentials)}
	call.Failure = e.Error
	return g.around(e.Context(), call, e.Next)
}

func (g *guestHook) request(e *writes.RecordRequestEvent) error {
	if g.skips(e.Collection) {
		return e.Next()
	}
	call := g.a.guestCall(e.Context())
	call.Record = &guestRecord{a: g.a, at: func() *records.Record { return e.Record }, fixed: !g.changes, credentials: g.x.Granted(wasmhost.Credentials)}
	return g.around(e.Context(), call, e.Next)
}

func (g *guestHook) enrich(e *writes.RecordEnrichEvent) error {
	if g.skips(e.Shown.Record().Collection) {
		return e.Next()
	}
	call := g.a.guestCall(e.Context())
	call.Record = &guestRecord{a: g.a, at: e.Shown.Record, shown: e.Shown}
	return g.around(e.Context(), call, e.Next)
}

func (g *guestHook) terminate(e *TerminateEvent) error {
	return g.around(context.Background(), &wasmhost.Call{}, e.Next)
}
