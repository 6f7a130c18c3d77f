package guests

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/wasmhost"
)

// hook is one hook of an extension.
type hook struct {
	s     *Service
	x     *wasmhost.Extension
	index int
	spec  wasmhost.HookSpec
	// changes tells that what the guest makes of the record counts, late that its answer does not.
	changes, late bool
	// key is set where a call that cannot be made is kept.
	key hookKey
	// withheld are the records that are shown without their content.
	withheld withheldCount
}

// around calls the guest on the way in and out.
func (g *hook) around(ctx context.Context, call *wasmhost.Call, next func() error) error {
	var state []byte
	if g.spec.Before {
		var err error
		call.Limit = writes.UnderWriter(ctx)
		if state, err = g.x.Before(ctx, g.index, call); err != nil {
			if err = g.answer(err); err != nil {
				return err
			}
		}
	}
	if r, ok := call.Record.(*record); ok && r.shown == nil {
		r.fixed = true
	}
	if err := next(); err != nil {
		return err
	}
	if !g.spec.After {
		return nil
	}
	call.Limit = writes.UnderWriter(ctx)
	if err := g.x.After(ctx, g.index, call, state); err != nil {
		return g.answer(tooLate(err))
	}
	return nil
}

// answer makes of an error of the guest what its hook returns. Where nothing depends on the guest any more, its failures are
// in the log and nowhere else.
func (g *hook) answer(err error) error {
	var no *wasmhost.Rejection
	switch {
	case errors.As(err, &no) && g.late:
		g.s.log.Info("extension: a rejection after the outcome changes nothing", "extension", g.x.Name(), "event", g.spec.Event, "message", no.Error())
		return nil
	case errors.As(err, &no):
		return Rejection(no)
	case g.late:
		g.s.log.Error("extension: a hook after the outcome failed", "extension", g.x.Name(), "event", g.spec.Event, "error", err)
		return nil
	}
	return err
}

// skips tells whether the hook is not for records of c: those of system collections are secrets of the server, so a hook has
// to name them.
func (g *hook) skips(c *schema.Collection) bool {
	return len(g.spec.Collections) == 0 && (c.System || strings.HasPrefix(c.Name, "_"))
}

func (g *hook) record(e *writes.RecordEvent) error {
	if g.skips(e.Record.Collection) {
		return e.Next()
	}
	call := g.s.Call(e.Context())
	call.Record = &record{store: g.s.access.store, at: func() *records.Record { return e.Record }, fixed: !g.changes, credentials: g.x.Granted(wasmhost.Credentials)}
	call.Failure = e.Error
	if g.key != (hookKey{}) {
		return g.afterCommit(e, call)
	}
	return g.around(e.Context(), call, e.Next)
}

func (g *hook) request(e *writes.RecordRequestEvent) error {
	if g.skips(e.Collection) {
		return e.Next()
	}
	call := g.s.Call(e.Context())
	call.Record = &record{store: g.s.access.store, at: func() *records.Record { return e.Record }, fixed: !g.changes, credentials: g.x.Granted(wasmhost.Credentials)}
	return g.around(e.Context(), call, e.Next)
}

// enrich lets the guest see a record that is shown. Where it fails, for whatever reason, nobody knows what it would have hidden: the record is shown with id and
// collection alone, and the answer goes on. What handlers inside make of the record is their business; an error of theirs fails the answer, as everywhere.
func (g *hook) enrich(e *writes.RecordEnrichEvent) error {
	if g.skips(e.Shown.Record().Collection) {
		return e.Next()
	}
	ctx := e.Context()
	call := g.s.Call(ctx)
	call.Record = &record{store: g.s.access.store, at: e.Shown.Record, shown: e.Shown}
	var state []byte
	var err error
	if g.spec.Before {
		if state, err = g.x.Before(ctx, g.index, call); err != nil {
			g.withhold(e, err)
		}
	}
	if err := e.Next(); err != nil {
		return err
	}
	if g.spec.After && err == nil {
		if err := g.x.After(ctx, g.index, call, state); err != nil {
			g.withhold(e, err)
		}
	}
	return nil
}

// withhold shows a record without its content. The log hears of it now and then, for a list may have hundreds of them.
func (g *hook) withhold(e *writes.RecordEnrichEvent, err error) {
	e.Shown.Withhold()
	if n := g.withheld.count(time.Now()); n > 0 && e.Context().Err() == nil {
		r := e.Shown.Record()
		g.s.log.Error("extension: a record is shown with its id alone, because the hook failed", "extension", g.x.Name(), "event", g.spec.Event,
			"collection", r.Collection.Name, "record", r.ID(), "records", n, "error", err)
	}
}

// withheldPause is how long the log hears nothing of further records that are shown without their content by the same hook.
const withheldPause = 10 * time.Second

// withheldCount counts records between two lines of the log. It is safe for concurrent use.
type withheldCount struct {
	mu   sync.Mutex
	last time.Time
	n    int
}

// count counts one. It returns how many there were since the last line when another one is due, otherwise 0.
func (c *withheldCount) count(now time.Time) (due int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	if now.Sub(c.last) < withheldPause {
		return 0
	}
	due, c.n, c.last = c.n, 0, now
	return due
}

func (g *hook) terminate(next func() error) error {
	return g.around(context.Background(), &wasmhost.Call{}, next)
}
