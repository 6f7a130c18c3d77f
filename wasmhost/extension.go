package wasmhost

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
)

// Extension is one version of a loaded module: a file's content, with a runtime, a pool of instances and a record of its health of its own. It is
// safe for concurrent use, and may be used for as long as a request takes after the manager has replaced it.
type Extension struct {
	manager *Manager
	file    string   // its name in the directory
	sum     checksum // of the file's content
	description
	permitted map[string]bool
	granted   []Grant
	log       *slog.Logger
	lines     *slog.Logger // what the guest itself says

	code   code
	stored atomic.Bool // its code can be had from the cache again
	pool   pool

	hookHealth, routeHealth []health // by position
	traces                  logLimit // of traps

	used    atomic.Int64 // when it was last called
	refs    atomic.Int64 // calls under way; far below zero once closed
	retired atomic.Int64 // since when the version is replaced, 0 while it is not
}

// Name is the name in the description, unique among the loaded extensions.
func (x *Extension) Name() string { return x.name }

// Version is the version in the description.
func (x *Extension) Version() string { return x.version }

// File is the name of the file in the extensions directory.
func (x *Extension) File() string { return x.file }

// Checksum is the SHA-256 of the file's content, in hexadecimal.
func (x *Extension) Checksum() string { return hex.EncodeToString(x.sum[:]) }

// Hooks returns the hooks of the description; positions are what Before and After take.
func (x *Extension) Hooks() []HookSpec { return slices.Clone(x.hooks) }

// Routes returns the routes of the description; positions are what Serve takes.
func (x *Extension) Routes() []RouteSpec { return slices.Clone(x.routes) }

// Permissions returns what the extension may reach in its own name.
func (x *Extension) Permissions() Permissions {
	p := x.permissions
	p.Collections, p.Grants = slices.Clone(p.Collections), slices.Clone(p.Grants)
	return p
}

// Grants returns what the extension asked for and has from the operator.
func (x *Extension) Grants() []Grant { return slices.Clone(x.granted) }

// Granted tells whether the extension asked for a grant and has it from the operator.
func (x *Extension) Granted(g Grant) bool { return slices.Contains(x.granted, g) }

// Permits reports whether the extension may reach the collection with that name (not id) in its own name.
func (x *Extension) Permits(collection string) bool {
	return x.permitted[collection] || x.permitted["*"] && !strings.HasPrefix(collection, "_")
}

// Before calls the guest for the hook at that position, on the way in. State is for After; nil when there is none.
//
// Errors are [*Rejection], [*Fault], [ErrTimeout], [ErrSuspended], [ErrBusy], [ErrClosed], and an [*Error] with LIMIT when ctx is nested too
// deeply.
func (x *Extension) Before(ctx context.Context, hook int, c *Call) (state []byte, err error) {
	if hook < 0 || hook >= len(x.hooks) {
		return nil, fmt.Errorf("wasmhost: %s has no hook %d", x.name, hook)
	}
	out, err := x.run(ctx, job{op: opBefore, index: hook, call: c, limit: x.manager.limits.Hook, wait: x.manager.limits.HookWait})
	return out.payload, err
}

// After calls the guest for the hook at that position, on the way out, with the state that Before returned. Errors are those of Before.
func (x *Extension) After(ctx context.Context, hook int, c *Call, state []byte) error {
	if hook < 0 || hook >= len(x.hooks) {
		return fmt.Errorf("wasmhost: %s has no hook %d", x.name, hook)
	}
	if len(state) > maxState {
		return fmt.Errorf("wasmhost: %d bytes of state, more than %d", len(state), maxState)
	}
	_, err := x.run(ctx, job{op: opAfter, index: hook, call: c, input: state, limit: x.manager.limits.Hook, wait: x.manager.limits.HookWait})
	return err
}

// Serve lets the guest answer a request on the route at that position. Errors are those of Before.
func (x *Extension) Serve(ctx context.Context, route int, c *Call) (*Response, error) {
	if route < 0 || route >= len(x.routes) {
		return nil, fmt.Errorf("wasmhost: %s has no route %d", x.name, route)
	}
	out, err := x.run(ctx, job{op: opRoute, index: route, call: c, limit: x.manager.limits.Route, wait: x.manager.limits.RouteWait})
	if err != nil {
		return nil, err
	}
	r := out.response
	if r == nil {
		r = &Response{}
	}
	if r.Status == 0 {
		r.Status, r.ContentType = 200, "application/json"
	}
	r.Body = out.payload
	return r, nil
}

// enter counts a call; false means that the version is closed, or about to be and the call is not part of one that runs.
func (x *Extension) enter(nested bool) bool {
	if x.refs.Add(1) > 0 && (nested || !x.manager.closing.Load()) {
		return true
	}
	x.refs.Add(-1)
	return false
}

func (x *Extension) leave() { x.refs.Add(-1) }

// closedRefs is what refs becomes when a version is closed, so low that no number of callers brings it back above zero.
const closedRefs = -1 << 40

// tryClose frees everything if no call is under way, and reports whether the version is closed.
func (x *Extension) tryClose() bool {
	if !x.refs.CompareAndSwap(0, closedRefs) {
		return x.refs.Load() < 0
	}
	x.pool.close()
	if e := x.code.take(true); e != nil {
		x.closeEngine(e)
	}
	return true
}
