package realtime

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/project"
	"github.com/troupebase/troupe/storage/schema"
)

// job is one message to be worked out: a change for an audience. Without a message afterwards it is nobody's.
type job struct {
	entry *entry
	to    *recipients
	pin   *pin // where it is judged on the state before the change
	// slot is the message that has its place in outboxes already.
	slot *message
	// draft is the record as user code has yet to see it.
	draft   *records.AnswerDraft
	message *message
	failed  bool // it could not be found out whose the message is
}

// asking tells whether the database has a say.
func (j *job) asking() bool {
	c, t := j.entry.change.Collection, j.to.topic
	if !t.plain() {
		return true
	}
	if j.to.superuser() {
		return false
	}
	return judged(t.rule(c)) || j.to.who != nil && manageRule(c) != ""
}

// wanted tells whether anybody is left for the message.
func (j *job) wanted() bool {
	for _, c := range j.to.members {
		if !c.gone.Load() {
			return true
		}
	}
	return false
}

// decide tells whether the rule can be judged without the database after all, and nothing else asks for it.
func (h *Hub) decide(j *job) bool {
	t, c := j.to.topic, j.entry.change.Collection
	rule := t.rule(c)
	if !t.plain() || !judged(rule) || j.to.who != nil && manageRule(c) != "" {
		return false
	}
	_, decided := h.store.Decide(j.entry.change.Record, records.Condition{Text: *rule, Trust: filter.Rule}, t.request(j.to.who, time.Now()))
	return decided
}

// before tells whether the state before the change is asked.
func (j *job) before() bool { return j.entry.change.Action == records.Deleted }

// settle runs the work on one job. A failure is its own: whatever cannot be judged is not told, and who was to be told of what takes too
// long is dropped.
func (h *Hub) settle(j *job, work func() error) {
	j.message, j.draft = nil, nil
	h.guard("work a message out", func() {
		err := work()
		switch {
		case err == nil || errors.Is(err, errRefused) || errors.Is(err, records.ErrQuery):
		case errors.Is(err, records.ErrEnrich):
			h.opts.Logger.Debug("realtime: user code left a client out", "error", err, "topic", j.to.topic.text)
		default:
			j.failed = true
			h.opts.Logger.Error("realtime: work a message out", "error", err, "topic", j.to.topic.text)
		}
	})
}

// errRefused says that an audience is not told.
var errRefused = errors.New("realtime: refused")

// scratch is memory for messages that are being encoded.
type scratch struct{ record, picked []byte }

// work judges a job and encodes its message, or leaves a draft where user code has to see the record first. p is nil when
// the job does not ask. plain holds what topics without options share of a change, and may be nil.
func (h *Hub) work(ctx context.Context, s *scratch, j *job, cat *schema.Catalogue, p records.Preparer, plain *[2][]byte) error {
	t, who, record := j.to.topic, j.to.who, j.entry.change.Record
	caller := records.Caller{Request: t.request(who, time.Now()), Superuser: j.to.superuser()}
	if err := h.admit(j, cat, p, &caller); err != nil {
		return err
	}
	var shared *[]byte
	if plain != nil && t.plain() && t.options.fields == "" && !record.Collection.IsAuth() {
		shared = &plain[0]
		if caller.Superuser {
			shared = &plain[1]
		}
		if *shared != nil {
			j.message = newMessage(t.text, *shared)
			return nil
		}
	}
	in := &records.AnswerInput{Caller: caller, Expand: t.options.expand, Plain: !j.to.enriched}
	var err error
	if j.to.enriched {
		if j.draft, err = h.store.DraftAnswer(cat, p, record, in); err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		return nil
	}
	if s.record, err = h.store.AnswerOn(ctx, cat, p, s.record[:0], record, in); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	if err = h.compose(s, j); err == nil && shared != nil {
		*shared = j.message.data
	}
	return err
}

// compose makes the message of a job from s.record.
func (h *Hub) compose(s *scratch, j *job) (err error) {
	t, record := j.to.topic, s.record
	if t.options.fields != "" {
		if s.picked, err = project.Fields(s.picked[:0], s.record, t.options.fields); err != nil {
			return errors.Join(errRefused, err)
		}
		record = s.picked
	}
	const head, tail = `{"record":`, `,"action":"`
	data := make([]byte, 0, len(head)+len(record)+len(tail)+len(j.entry.change.Action)+2)
	data = append(append(data, head...), record...)
	data = append(append(append(data, tail...), j.entry.change.Action...), `"}`...)
	j.message = newMessage(t.text, data)
	return nil
}

// admit fails with errRefused when the rule or the filter of the topic is not met, and with the reason when they cannot
// be evaluated.
func (h *Hub) admit(j *job, cat *schema.Catalogue, p records.Preparer, caller *records.Caller) error {
	c, t := j.entry.change.Collection, j.to.topic
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
		met, err := h.store.MatchesRecord(cat, p, j.entry.change.Record, condition, caller.Request)
		if err != nil {
			return err
		}
		if !met {
			return errRefused
		}
	}
	return nil
}
