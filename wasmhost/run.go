package wasmhost

import (
	"context"
	"errors"
	"time"
)

// job is one call of a guest.
type job struct {
	op    op
	index int
	call  *Call
	input []byte
	limit time.Duration // of the guest's own time
	wait  time.Duration // of what it waits for: an instance, the host
}

// outcome is what a call handed over.
type outcome struct {
	payload  []byte
	response *Response
}

// run does j in an instance. To wait for one takes of the time that there is for the host, so that the guest has its own whatever happens.
func (x *Extension) run(ctx context.Context, j job) (out outcome, err error) {
	depth, outer := 1, holder(ctx)
	if outer != nil {
		if depth = outer.depth + 1; depth > MaxDepth {
			return out, errTooDeep
		}
	}
	if !x.enter(outer != nil) {
		return out, ErrClosed
	}
	defer x.leave()
	if j.call == nil {
		j.call = &Call{}
	}
	if j.call.Limit > 0 {
		j.limit = min(j.limit, j.call.Limit)
	}
	start := x.manager.now()
	ctx, given := x.callerOf(ctx)
	if given <= start {
		return out, ErrBusy
	}
	h := x.healthOf(j)
	ok, trial := true, false
	if !j.call.Again {
		ok, trial = h.admit(start, j.limit+j.wait)
	}
	if !ok {
		return out, &SuspendedError{Extension: x.name, What: h.what, For: h.suspended(start)}
	}
	v := verdict{trial: trial, way: j.way()}
	i, begun, err := x.instanceFor(ctx, j, outer != nil, start, given)
	if err != nil {
		v.err, v.blame = err, !errors.Is(err, errStartCut)
		x.judge(h, v)
		return out, err
	}
	j.wait -= time.Duration(begun - start)
	i.begin(ctx, j, begun, given, depth)
	out.payload, err = i.do(j)
	out.response = i.call.response
	ended := x.manager.now()
	v.blame = !errors.Is(err, ErrTimeout) || i.call.blames(ended)
	v.err = i.finish(err)
	x.pool.release(i, ended)
	x.judge(h, v)
	h.total.Add(ended - begun)
	if v.err != nil {
		return outcome{}, v.err
	}
	return out, nil
}

// callerOf returns the ctx of a call and its deadline. Once something of the chain is committed, the rest of it does not end with its caller.
func (x *Extension) callerOf(ctx context.Context) (context.Context, int64) {
	d, bounded := ctx.Deadline()
	switch {
	case !bounded && ctx.Err() == nil:
		return ctx, never
	case x.manager.committed(ctx):
		return context.WithoutCancel(ctx), never
	case !bounded:
		return ctx, never
	}
	return ctx, x.manager.moment(d)
}

// instanceFor lends an instance for j, which is wanted since start, and tells when it had it.
func (x *Extension) instanceFor(ctx context.Context, j job, holds bool, start, given int64) (i *instance, begun int64, err error) {
	if i = x.pool.takeIdle(holds); i != nil {
		return i, start, nil
	}
	until := min(given, start+int64(j.wait))
	ready := until
	if j.call.Limit > 0 { // to make one where everybody waits takes no longer than a call there
		ready = min(ready, start+int64(j.call.Limit))
	}
	if i, err = x.pool.acquire(ctx, holds, until, ready); err != nil {
		return nil, 0, err
	}
	if begun = x.manager.now(); begun >= given {
		x.pool.release(i, begun)
		return nil, 0, ErrBusy
	}
	return i, begun, nil
}

// verdict is how a call ended.
type verdict struct {
	err   error
	trial bool
	way   int
	blame bool // if it failed, it is the guest's fault as far as time goes
}

// judge counts how a call ended.
func (x *Extension) judge(h *health, v verdict) {
	if v.err == nil {
		h.calls.Add(1)
		h.good(v.trial, v.way)
		return
	}
	x.judgeError(h, v)
}

// judgeError counts a call without success, and whether the guest is to blame.
func (x *Extension) judgeError(h *health, v verdict) {
	var no *Rejection
	var fault *Fault
	switch {
	case errors.As(v.err, &no):
		h.calls.Add(1)
		h.rejected.Add(1)
		h.good(v.trial, v.way)
		return
	case errors.Is(v.err, ErrBusy), errors.Is(v.err, ErrClosed):
		h.busy.Add(1)
		h.undecided(v.trial, x.manager.now())
		return
	}
	h.calls.Add(1)
	h.failures.Add(1)
	h.note(v.err)
	if ok, dropped := h.lines.allow(x.manager.now()); ok {
		x.log.Warn("extension: call failed", "what", h.what, "error", v.err, "not_logged", dropped)
	}
	if errors.As(v.err, &fault) && fault.Kind == Panicked { // of the server
		v.blame = false
	}
	if v.blame {
		h.failed(v.trial, v.way, x.manager.now(), v.err, x.log)
	} else {
		h.undecided(v.trial, x.manager.now())
	}
}
