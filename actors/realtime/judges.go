package realtime

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

const (
	// maxChunk is how many messages are worked out in a row for one collection: a millisecond or two on a Reader.
	maxChunk = 32
	// judgeLimit is how long a message may take. Whose takes longer has asked for too much and is dropped.
	judgeLimit = time.Second
	// heavyMessage is how long a message takes that is far from what was thought when its topic was accepted, by a factor of a thousand, and
	// heavyLimit how much time such messages of one stream may take in all.
	heavyMessage = 50 * time.Millisecond
	heavyLimit   = 3 * time.Second
	// maxEnriching is how many chunks user code may keep at once.
	maxEnriching = 4
	// maxTries is how often a Reader is asked for when none comes free.
	maxTries = 3
)

// judges work out the messages for which the database or user code is asked. Collections take turns, and half of the cores are left
// to others. Safe for concurrent use.
type judges struct {
	h         *Hub
	most      int
	enriching chan struct{} // a place for each chunk that user code may keep

	mu      sync.Mutex
	queues  map[*load]*queue
	ready   []*queue // those with jobs, the next one first
	working int
	closed  bool
}

// queue is the jobs of one collection. The order in which they are worked out is no matter: their messages have their places.
type queue struct {
	past []*job // on the state before a group, which should not be held for long: they go first
	live []*job
	in   bool // it is in ready
}

func newJudges(h *Hub) *judges {
	return &judges{h: h, most: max(1, runtime.GOMAXPROCS(0)/2), enriching: make(chan struct{}, maxEnriching), queues: make(map[*load]*queue)}
}

// put hands jobs over.
func (js *judges) put(jobs []*job) {
	js.mu.Lock()
	for _, j := range jobs {
		l := j.entry.cost.load
		q := js.queues[l]
		if q == nil {
			q = new(queue)
			js.queues[l] = q
		}
		if j.pin != nil {
			q.past = append(q.past, j)
		} else {
			q.live = append(q.live, j)
		}
		if !q.in {
			q.in = true
			js.ready = append(js.ready, q)
		}
	}
	start := 0
	for ; js.working < min(js.most, len(js.ready)) && !js.closed; js.working++ {
		start++
	}
	js.mu.Unlock()
	for range start {
		js.h.run("judge changes", js.work)
	}
}

// work works jobs out until there are none.
func (js *judges) work() {
	for {
		jobs := js.take()
		if len(jobs) == 0 {
			return
		}
		js.h.judge(jobs)
	}
}

// take returns the jobs that are next, none when the caller may go.
func (js *judges) take() []*job {
	js.mu.Lock()
	defer js.mu.Unlock()
	if len(js.ready) == 0 || js.closed {
		js.working--
		return nil
	}
	q := js.ready[0]
	js.ready[0] = nil
	js.ready = js.ready[1:]
	var jobs []*job
	if len(q.past) > 0 {
		n := 1
		for n < min(maxChunk, len(q.past)) && q.past[n].pin == q.past[0].pin {
			n++
		}
		jobs, q.past = cut(q.past, n)
	} else {
		jobs, q.live = cut(q.live, min(maxChunk, len(q.live)))
	}
	if q.in = len(q.past)+len(q.live) > 0; q.in {
		js.ready = append(js.ready, q)
	}
	return jobs
}

func cut(list []*job, n int) (first, rest []*job) {
	if n == len(list) {
		return list, nil
	}
	first = append(first, list[:n]...)
	clear(list[:n])
	return first, list[n:]
}

// shed drops the clients for whom the most is still to be worked out, those of one collection, and gives that up.
func (js *judges) shed() {
	js.mu.Lock()
	var most *queue
	for _, q := range js.ready {
		if most == nil || len(q.past)+len(q.live) > len(most.past)+len(most.live) {
			most = q
		}
	}
	var jobs []*job
	if most != nil {
		jobs = append(most.past, most.live...)
		most.past, most.live, most.in = nil, nil, false
		js.ready = slices.DeleteFunc(js.ready, func(q *queue) bool { return q == most })
	}
	js.mu.Unlock()
	if len(jobs) == 0 {
		return
	}
	js.h.opts.Logger.Warn("realtime: more was written than can be told, clients with filters or expands are dropped", "messages", len(jobs))
	for _, j := range jobs {
		j.failed = true
		js.h.resolve(j)
	}
}

// close ends the work. What was not worked out is nobody's.
func (js *judges) close() {
	js.mu.Lock()
	js.closed = true
	ready := js.ready
	js.ready = nil
	js.mu.Unlock()
	for _, q := range ready {
		for _, list := range [2][]*job{q.past, q.live} {
			for _, j := range list {
				js.h.resolve(j)
			}
		}
	}
}

// judge works out the messages of jobs of one collection.
func (h *Hub) judge(jobs []*job) {
	defer h.finish(jobs)
	asking := jobs[:0:0]
	for _, j := range jobs {
		if !j.wanted() {
			continue
		}
		if j.asking() {
			asking = append(asking, j)
		} else {
			h.judgeOn(h.alive, []*job{j}, h.opts.Catalogue(), nil)
		}
	}
	switch {
	case len(asking) == 0:
	case asking[0].pin != nil:
		h.judgePast(asking, asking[0].pin)
	default:
		h.judgeLive(asking)
	}
}

// finish resolves jobs. Those that user code has to see first are shown to it elsewhere: judges do not wait for it, unless it keeps
// several chunks already.
func (h *Hub) finish(jobs []*job) {
	var drafts []*job
	for _, j := range jobs {
		if j.draft != nil {
			drafts = append(drafts, j)
		} else {
			h.resolve(j)
		}
	}
	if len(drafts) == 0 {
		return
	}
	h.judges.enriching <- struct{}{}
	h.run("show messages to user code", func() {
		defer func() {
			<-h.judges.enriching
			for _, j := range drafts {
				h.resolve(j)
			}
		}()
		h.enrich(drafts)
	})
}

func (h *Hub) judgePast(jobs []*job, p *pin) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(jobs) > 0 {
		ctx, cancel := context.WithTimeout(h.alive, judgeLimit)
		jobs = jobs[h.judgeOn(ctx, jobs, p.catalogue, p.reader):]
		cancel()
	}
}

// judgeLive judges jobs on the newest state. Whose job cannot be judged in time is dropped: nothing is left out silently.
func (h *Hub) judgeLive(jobs []*job) {
	for try := 1; len(jobs) > 0; {
		ctx, cancel := context.WithTimeout(h.alive, judgeLimit)
		n := 0
		err := h.db.Read(ctx, func(r *sqlite.Reader) error {
			n = h.judgeOn(ctx, jobs, h.opts.Catalogue(), r)
			return nil
		})
		cancel()
		if err == nil {
			jobs = jobs[n:]
			continue
		}
		if try++; !errors.Is(err, sqlite.ErrBusy) || try > maxTries {
			h.opts.Logger.Error("realtime: judge changes", "error", err, "messages", len(jobs))
			for _, j := range jobs {
				j.failed = true
			}
			return
		}
	}
}

// judgeOn judges jobs on one state of the database and returns how many are done. It stops when time is over: one that had most of it
// has failed then, one that had little is tried again.
func (h *Hub) judgeOn(ctx context.Context, jobs []*job, cat *schema.Catalogue, r *sqlite.Reader) int {
	var s scratch
	for i, j := range jobs {
		began := time.Now()
		j.failed = false
		h.settle(j, func() error {
			if r == nil {
				return h.work(ctx, &s, j, cat, nil, nil)
			}
			return h.work(ctx, &s, j, cat, r, nil)
		})
		took := time.Since(began)
		if j.failed && ctx.Err() != nil && i > 0 && took < judgeLimit/2 {
			j.failed = false
			return i
		}
		h.chargeTime(j, took)
		if ctx.Err() != nil {
			return i + 1
		}
		runtime.Gosched() // a write goes through several goroutines, each of which would wait until this one is interrupted
	}
	return len(jobs)
}

// chargeTime notes what a message took that somebody asked more for than the collection's rule. Who has taken too much is dropped: what
// a topic asks for can only be guessed when it is accepted.
func (h *Hub) chargeTime(j *job, took time.Duration) {
	if took < heavyMessage || j.to.topic.work <= workTail {
		return
	}
	for _, c := range j.to.members {
		if time.Duration(c.heavy.Add(int64(took))) > heavyLimit {
			h.drop(c, "asks for too much")
		}
	}
}

// resolve gives a message its bytes, or takes its place away, and tells the outboxes that hold it.
func (h *Hub) resolve(j *job) {
	m := j.slot
	told := j.message != nil && !j.failed
	if told {
		m.size, m.tail, m.data = j.message.size, j.message.tail, j.message.data
		h.budget.adjust(m, m.bytes())
		m.state.Store(ready)
	} else {
		h.budget.adjust(m, 0)
		m.state.Store(void)
	}
	if j.failed {
		h.giveUp(j.to, "not judged")
	}
	now := h.seconds()
	for _, c := range j.to.members {
		if _, not := j.to.except[c]; not {
			continue
		}
		if told {
			c.told.Store(now)
		}
		c.act(c.settled())
	}
	j.pin.close()
	h.done(j.entry)
}
