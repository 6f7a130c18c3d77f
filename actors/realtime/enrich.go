package realtime

import (
	"context"
	"runtime"
	"sync"
	"time"
)

const (
	// enrichLimit bounds how long user code keeps the messages of maxChunk audiences: those who wrote the collection wait for
	// messages when many are owed. Whoever is not done by then is left out, and user code that goes on all the same is left alone.
	enrichLimit = 2 * time.Second
	// maxEnrichers is how many goroutines may be left alone in user code that does not end. While there are that many, clients of
	// collections with user code are left out at once.
	maxEnrichers = 32
)

// enrichment is one run of user code over messages. What is worked out after its end is nobody's.
type enrichment struct {
	mu       sync.Mutex
	messages []*message
	over     bool
}

func (e *enrichment) put(i int, m *message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.over {
		e.messages[i] = m
	}
}

// end returns what was worked out so far.
func (e *enrichment) end() []*message {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.over = true
	return e.messages
}

// enrich finishes the jobs that have drafts: user code sees their records, side by side and with no connection held. It
// returns when all are done or their time is over.
func (h *Hub) enrich(jobs []*job) {
	var targets []*job
	var copies []job // what goroutines work on that may outlive the jobs
	for _, j := range jobs {
		if j.draft != nil {
			targets = append(targets, j)
			copies = append(copies, *j)
			j.draft = nil
		}
	}
	if len(copies) == 0 {
		return
	}
	if h.enrichers.Load() >= maxEnrichers {
		h.opts.Logger.Error("realtime: user code does not end, clients are left out", "messages", len(copies))
		return
	}
	ctx, cancel := context.WithTimeout(h.alive, enrichLimit)
	defer cancel()
	e := &enrichment{messages: make([]*message, len(copies))}
	workers := min(runtime.GOMAXPROCS(0), len(copies))
	done := make(chan struct{}, workers)
	for w := range workers {
		h.enrichers.Add(1)
		h.alone("run user code over messages", func() {
			defer func() { h.enrichers.Add(-1); done <- struct{}{} }()
			h.enrichShare(ctx, e, copies, w, workers)
		})
	}
	for finished := 0; finished < workers; finished++ {
		select {
		case <-done:
		case <-ctx.Done():
			finished = workers
		}
	}
	for i, m := range e.end() {
		targets[i].message = m
	}
	if ctx.Err() != nil {
		h.opts.Logger.Warn("realtime: user code kept messages for too long, some clients were left out", "messages", len(copies))
	}
}

// enrichShare finishes every step'th job from the first on.
func (h *Hub) enrichShare(ctx context.Context, e *enrichment, jobs []job, first, step int) {
	var s scratch
	for i := first; i < len(jobs) && ctx.Err() == nil; i += step {
		j := &jobs[i]
		d := j.draft
		h.settle(j, func() (err error) {
			if s.record, err = d.Append(ctx, s.record[:0]); err != nil {
				return err
			}
			return h.compose(&s, j)
		})
		e.put(i, j.message)
	}
}
