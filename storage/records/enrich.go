package records

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
)

// Enricher is user code around the serialisation of records. It is safe for concurrent use.
type Enricher interface {
	// Enriches tells whether anything is bound for the collection. It is asked for each read and must cost next to nothing.
	Enriches(c *schema.Collection) bool
	// Enrich calls the bound code around inner, which does the server's own part: it shows hidden fields to superusers (in
	// realtime messages they are shown before Enrich is called) and emails to those who may see them. caller.Request.Context
	// tells where the record is shown; it is "expand" for expanded ones. v belongs to the call.
	//
	// An error fails the answer with [ErrEnrich], or leaves a realtime client out. Enrich is called once for each record and
	// answer, in no transaction and with no Reader held, except in [Store.AnswerOn], whose caller
	// holds one.
	Enrich(ctx context.Context, v *Shown, caller *Caller, inner func() error) error
}

// ErrEnrich says that user code failed the answer in which a record was to be shown. It wraps the reason.
var ErrEnrich = errors.New("enrich record")

// enriches tells whether user code sees the records of a collection before they are shown.
func (s *Store) enriches(c *schema.Collection) bool {
	return s.opts.Enricher != nil && s.opts.Enricher.Enriches(c)
}

// EnrichesAnswer tells whether user code sees any record of an answer with that expand.
func (s *Store) EnrichesAnswer(cat *schema.Catalogue, c *schema.Collection, param string) bool {
	if s.opts.Enricher == nil {
		return false
	}
	if param == "" || expand.Check(param) != nil {
		return s.enriches(c)
	}
	var x expand.Answer
	x.Begin(context.Background(), expand.Options{Catalogue: cat, Superuser: true, Hidden: true, All: s.opts.ExpandAll})
	steps := x.Steps(c, param)
	// Others may see less and, where the steps of a superuser were cut off, get further.
	return s.enriches(c) || expand.Leads(steps, s.enriches) || x.CutOff()
}

func (x *answer) enriches(c *schema.Collection) bool { return !x.plain && x.s.enriches(c) }

// pending is a record that is shown once user code has seen it.
type pending struct {
	shown   Shown
	encoder *encoder
	caller  *Caller
	json    []byte
	split   int
	guess   int
}

// wait notes a record for [AnswerDraft.Append]. r belongs to the answer from now on.
func (x *answer) wait(r *Record, e *encoder, who *audience, caller *Caller) *pending {
	p := &pending{encoder: e, caller: caller, shown: newShown(r, *who, e.hidden)}
	if caller.Request.Context == "realtime" {
		p.shown.unhide()
	}
	if x.late == nil {
		x.late = &AnswerDraft{enricher: x.s.opts.Enricher}
	}
	x.late.waiting = append(x.late.waiting, p)
	return p
}

// Size implements expand.Late.
func (p *pending) Size() int {
	if p.guess == 0 {
		v := newShown(p.shown.record, p.shown.who, p.encoder.hidden)
		v.serve()
		out, _ := p.encoder.shown(nil, &v)
		p.guess = len(out)
	}
	return p.guess
}

// Object implements expand.Late.
func (p *pending) Object() (json []byte, split int) { return p.json, p.split }

// AnswerDraft is an answer whose records have been read and which user code has not seen yet. It is used by one goroutine, once.
type AnswerDraft struct {
	enricher Enricher
	waiting  []*pending // in the order in which they were found
	nodes    []*expand.Node
}

// draft returns the draft of an answer of nodes, nil when it can be finished at once.
func (x *answer) draft(nodes []*expand.Node) *AnswerDraft {
	if x.late != nil {
		x.late.nodes = nodes
	}
	return x.late
}

// Append lets user code see the records and appends the answer to dst. It fails with [ErrEnrich] and returns dst as it was
// then.
func (d *AnswerDraft) Append(ctx context.Context, dst []byte) ([]byte, error) {
	for _, p := range d.waiting {
		v := &p.shown
		err := d.enricher.Enrich(ctx, v, p.caller, func() error {
			v.serve()
			return nil
		})
		if err != nil {
			return dst, fmt.Errorf("%w of %s: %w", ErrEnrich, v.record.Collection.Name, err)
		}
		p.json, p.split = p.encoder.shown(nil, v)
	}
	return expand.AppendNodes(dst, d.nodes), nil
}
