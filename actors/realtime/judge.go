package realtime

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// job is one message to be worked out: a change for an audience. Without a message afterwards it is nobody's.
type job struct {
	change   *records.Change
	audience *audience
	// draft is the record as user code has yet to see it.
	draft   *records.AnswerDraft
	message *message
}

// asking tells whether the database has a say.
func (j *job) asking() bool {
	c := j.change.Collection
	if !j.audience.topic.plain() {
		return true
	}
	if j.audience.superuser() {
		return false
	}
	return judged(j.audience.topic.rule(c)) || j.audience.who != nil && manageRule(c) != ""
}

// decide tells whether the rule can be judged without the database after all, and nothing else asks for it.
func (h *Hub) decide(j *job) bool {
	t, c := j.audience.topic, j.change.Collection
	rule := t.rule(c)
	if !t.plain() || !judged(rule) || j.audience.who != nil && manageRule(c) != "" {
		return false
	}
	_, decided := h.store.Decide(j.change.Record, records.Condition{Text: *rule, Trust: filter.Rule}, t.request(j.audience.who, time.Now()))
	return decided
}

// before tells whether the state before the change is asked.
func (j *job) before() bool { return j.change.Action == records.Deleted }

// judge works out the messages of jobs, those that need the database side by side.
func (h *Hub) judge(jobs []job, p *pin) {
	var live, past []*job
	cat := h.opts.Catalogue()
	var s scratch
	for i := range jobs {
		j := &jobs[i]
		switch {
		case !j.asking() || h.decide(j):
			h.settle(j, func() error { return h.work(&s, j, cat, nil) })
		case !j.before():
			live = append(live, j)
		case p != nil:
			past = append(past, j)
		}
	}
	var wg sync.WaitGroup
	if len(past) > 0 {
		wg.Go(func() { h.judgeOn(past, p.catalogue, p.reader) })
	}
	workers := min(runtime.GOMAXPROCS(0), (len(live)+minShare-1)/minShare)
	for w := range workers {
		share := make([]*job, 0, len(live)/workers+1)
		for i := w; i < len(live); i += workers {
			share = append(share, live[i])
		}
		wg.Go(func() { h.judgeLive(share) })
	}
	wg.Wait()
	h.enrich(jobs)
}

// minShare is how many jobs are worth a goroutine and a Reader of their own.
const minShare = 8

// maxTries is how often a Reader is asked for when none comes free.
const maxTries = 3

// judgeLive judges jobs on the newest state.
func (h *Hub) judgeLive(jobs []*job) {
	for try := 1; ; try++ {
		err := h.db.Read(context.Background(), func(r *sqlite.Reader) error {
			h.judgeOn(jobs, h.opts.Catalogue(), r)
			return nil
		})
		if err == nil {
			return
		}
		if !errors.Is(err, sqlite.ErrBusy) || try == maxTries {
			h.opts.Logger.Error("realtime: judge changes", "error", err, "messages", len(jobs))
			return
		}
	}
}

func (h *Hub) judgeOn(jobs []*job, cat *schema.Catalogue, r *sqlite.Reader) {
	var s scratch
	for _, j := range jobs {
		h.settle(j, func() error { return h.work(&s, j, cat, r) })
	}
}

// settle runs the work on one job. A failure is its own: whatever cannot be judged is not told.
func (h *Hub) settle(j *job, work func() error) {
	j.message, j.draft = nil, nil
	h.guard("work a message out", func() {
		err := work()
		switch {
		case err == nil || errors.Is(err, errRefused) || errors.Is(err, records.ErrQuery):
		case errors.Is(err, records.ErrEnrich):
			h.opts.Logger.Debug("realtime: user code left a client out", "error", err, "topic", j.audience.topic.text)
		default:
			h.opts.Logger.Error("realtime: work a message out", "error", err, "topic", j.audience.topic.text)
		}
	})
}

// errRefused says that an audience is not told.
var errRefused = errors.New("realtime: refused")

// scratch is memory for messages that are being encoded.
type scratch struct{ record, picked, data []byte }

// work judges a job and encodes its message, or leaves a draft where user code has to see the record first. p is nil when
// the job does not ask.
func (h *Hub) work(s *scratch, j *job, cat *schema.Catalogue, p records.Preparer) error {
	t, who := j.audience.topic, j.audience.who
	caller := records.Caller{Request: t.request(who, time.Now()), Superuser: j.audience.superuser()}
	if err := h.admit(j, cat, p, &caller); err != nil {
		return err
	}
	in := &records.AnswerInput{Caller: caller, Expand: t.options.expand, Plain: !j.audience.enriched}
	var err error
	if j.audience.enriched {
		if j.draft, err = h.store.DraftAnswer(cat, p, j.change.Record, in); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		return nil
	}
	if s.record, err = h.store.AnswerOn(h.alive, cat, p, s.record[:0], j.change.Record, in); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return h.compose(s, j)
}

// compose makes the message of a job from s.record.
func (h *Hub) compose(s *scratch, j *job) (err error) {
	t, record := j.audience.topic, s.record
	if t.options.fields != "" {
		if s.picked, err = records.Pick(s.picked[:0], s.record, t.options.fields); err != nil {
			return errors.Join(errRefused, err)
		}
		record = s.picked
	}
	s.data = append(append(s.data[:0], `{"record":`...), record...)
	s.data = append(append(append(s.data, `,"action":"`...), j.change.Action...), `"}`...)
	j.message = newMessage(t.text, s.data)
	return nil
}

// admit fails with errRefused when the rule or the filter of the topic is not met, and with the reason when they cannot
// be evaluated.
func (h *Hub) admit(j *job, cat *schema.Catalogue, p records.Preparer, caller *records.Caller) error {
	c, t := j.change.Collection, j.audience.topic
	var conditions []records.Condition
	if !caller.Superuser {
		rule := t.rule(c)
		if rule == nil {
			return errRefused
		}
		if *rule != "" {
			conditions = append(conditions, records.Condition{Text: *rule, Trust: filter.Rule})
		}
	}
	if f := t.options.filter; f != "" {
		if len(f) > filter.MaxClientFilter || !caller.Superuser && filter.CheckClient(f, "") != nil {
			return errRefused
		}
		conditions = append(conditions, records.Condition{Text: f, Trust: filter.Client})
	}
	if len(conditions) == 0 {
		return nil
	}
	for _, condition := range conditions {
		met, err := h.store.MatchesRecord(cat, p, j.change.Record, condition, caller.Request)
		if err != nil {
			return err
		}
		if !met {
			return errRefused
		}
	}
	return nil
}
