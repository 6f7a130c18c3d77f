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
	limit time.Duration
}

// outcome is what a call handed over.
type outcome struct {
	payload  []byte
	response *Response
}

// run does j in an instance. The time to wait for one is half of the call's at most, so that a guest has the other half whatever happens.
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
	start := x.manager.now()
	deadline, waitUntil := start+int64(j.limit), start+int64(j.limit)/2
	if d, ok := ctx.Deadline(); ok {
		given := x.manager.moment(d)
		if given <= start {
			return out, ErrBusy
		}
		deadline, waitUntil = min(deadline, given), min(waitUntil, given)
	}
	h := x.healthOf(j)
	ok, trial := h.admit(start, 2*j.limit)
	if !ok {
		return out, &SuspendedError{Extension: x.name, What: h.what, For: h.suspended(start)}
	}
	i, begun := x.pool.takeIdle(outer != nil), start
	if i == nil {
		if i, err = x.pool.acquire(ctx, outer != nil, waitUntil, deadline); err != nil {
			x.judge(h, verdict{err: err, trial: trial, way: j.op.way(), ran: time.Duration(x.manager.now() - start), limit: j.limit})
			return out, err
		}
		begun = x.manager.now()
	}
	i.begin(ctx, j, deadline, depth)
	out.payload, err = i.do(j)
	out.response = i.call.response
	inner := i.nested()
	err = i.finish(err)
	ended := x.manager.now()
	x.pool.release(i, ended)
	ran := time.Duration(ended - begun)
	if outer != nil {
		outer.nested.Add(int64(ran))
	}
	x.judge(h, verdict{err: err, trial: trial, way: j.op.way(), ran: ran - inner, limit: j.limit})
	h.total.Add(int64(ran))
	if err != nil {
		return outcome{}, err
	}
	return out, nil
}

// verdict is how a call ended.
type verdict struct {
	err   error
	trial bool
	way   int
	ran   time.Duration // without guests that it called through the host
	limit time.Duration
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
	x.log.Warn("extension: call failed", "what", h.what, "error", v.err)
	// Who runs out of time because of the guest below, or above, is not to blame; nor is anybody for a panic of the server.
	blame := !errors.Is(v.err, ErrTimeout) || v.ran >= v.limit/2
	if errors.As(v.err, &fault) && fault.Kind == Panicked {
		blame = false
	}
	if blame {
		h.failed(v.trial, v.way, x.manager.now(), v.err, x.log)
	} else {
		h.undecided(v.trial, x.manager.now())
	}
}
