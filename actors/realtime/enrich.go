package realtime

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// enrichLimit bounds how long user code keeps the messages of maxJobs audiences. Commits wait for messages when many are
// owed, so whoever is not done by then is left out; user code that has begun is waited for, and told by its context.
const enrichLimit = 10 * time.Second

// enrich finishes the jobs that have drafts: user code sees their records, side by side and with no connection held.
func (h *Hub) enrich(jobs []job) {
	var drafts []*job
	for i := range jobs {
		if jobs[i].draft != nil {
			drafts = append(drafts, &jobs[i])
		}
	}
	if len(drafts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(h.alive, enrichLimit)
	defer cancel()
	var wg sync.WaitGroup
	for w := range min(runtime.GOMAXPROCS(0), len(drafts)) {
		wg.Go(func() { h.enrichShare(ctx, drafts[w:], runtime.GOMAXPROCS(0)) })
	}
	wg.Wait()
	if ctx.Err() != nil {
		h.opts.Logger.Warn("realtime: user code kept messages for too long, some clients were left out", "messages", len(drafts))
	}
}

// enrichShare finishes every step'th job.
func (h *Hub) enrichShare(ctx context.Context, drafts []*job, step int) {
	var s scratch
	for i := 0; i < len(drafts) && ctx.Err() == nil; i += step {
		j := drafts[i]
		d := j.draft
		h.settle(j, func() (err error) {
			if s.record, err = d.Append(ctx, s.record[:0]); err != nil {
				return err
			}
			return h.compose(&s, j)
		})
	}
}
