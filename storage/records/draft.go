package records

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/troupebase/troupe/storage/schema"
)

// WriteDraft is a write around which user code runs. Its methods are called in the order in which they stand here, each at
// most once, and then the command is applied. What user code has made of the record is given back to each of them; a
// record of another collection is refused.
//
// A draft is no licence: the rule is judged again, on the request as it was made, in the transaction that writes, and
// what user code changed is laid over the row as it is then, so that two writers do not lose one another's changes.
type WriteDraft interface {
	Command
	// Action tells what the command does.
	Action() Action
	// ID is the record's id, "" while a new one has none.
	ID() string
	// Begin judges the rule and returns the record as the request made it. It fails like the Prepare functions and Apply.
	Begin(look Look) (*Record, error)
	// CheckForm checks what is asked of requests and not of programs: confirmations of passwords, what only managers change.
	CheckForm(ctx context.Context, look Look) error
	// Complete fills in what the server makes up: the id and generated texts.
	Complete(r *Record) error
	// Check checks the values. Where user code left it out nothing is checked.
	Check(r *Record, look Look) error
	// Seal takes the record as it is to be written and hashes its passwords.
	Seal(ctx context.Context, r *Record) error
}

// Look is how a draft reads: it calls fn, once or more, with a connection.
type Look func(fn func(p Preparer) error) error

// draft is what the drafts of creates and updates have in common.
type draft struct {
	base  *Record // the record that user code was given first
	given *Record // a program's own record, nil for one that is made of a body
	form  bool    // the form was checked, and is again in the transaction
	// checked is the record that was checked, nil when it was not; final is the one to be written.
	checked, final *Record
}

// accept refuses a record that cannot take the place of the draft's.
func (d *draft) accept(r *Record) error {
	if r == nil || r.Collection.ID != d.base.Collection.ID {
		return fmt.Errorf("%w: the record of a hook belongs to another collection", ErrNoCollection)
	}
	return nil
}

// check notes what was checked, and with what outcome.
func (d *draft) check(r *Record, err error) error {
	d.checked = r.Clone()
	return err
}

// on returns the record under another definition of its collection: fields keep their values by id.
func (r *Record) on(c *schema.Collection) *Record {
	if r.Collection == c {
		return r.Clone()
	}
	out := NewRecord(c)
	for i, f := range c.Fields {
		for j, old := range r.Collection.Fields {
			if old.Base().ID == f.Base().ID {
				out.Values[i] = f.Cast(r.Values[j])
			}
		}
	}
	return out
}

// renamed tells whether a field has another name now than in an older definition, or is gone.
func renamed(old, now *schema.Collection) bool {
	return old != now && slices.ContainsFunc(old.Fields, func(f schema.Field) bool {
		same := now.Field(f.Base().Name)
		return same == nil || same.Base().ID != f.Base().ID
	})
}

// overlay lays over r what user code changed: the values in which changed differs from base.
func (r *Record) overlay(base, changed *Record) *Record {
	base, changed = base.on(r.Collection), changed.on(r.Collection)
	out := r.Clone()
	for i := range out.Values {
		if !reflect.DeepEqual(base.Values[i], changed.Values[i]) {
			out.Values[i] = changed.Values[i]
		}
	}
	return out
}

// DraftSave begins the write of a record that a program made or read and changed. No rule is asked.
func (s *Store) DraftSave(r *Record, in WriteInput) (WriteDraft, error) {
	in.detach()
	in.CollectionID, in.Incarnation, in.SkipRules = r.Collection.ID, r.Collection.Incarnation, true
	d := &draft{base: r.Clone()}
	d.given = d.base
	if r.IsNew() {
		if _, err := in.open(s.catalogue(), createRule); err != nil {
			return nil, err
		}
		sub := &submission{record: d.base, body: map[string]any{}, sent: map[string]bool{}}
		return &Create{in: in, store: s, sub: sub, draft: d}, nil
	}
	if _, err := in.open(s.catalogue(), updateRule); err != nil {
		return nil, err
	}
	d.base = r.Original()
	return &Update{in: in, store: s, id: d.base.ID(), draft: d}, nil
}

// DraftCreate begins a create of a request.
func (s *Store) DraftCreate(in WriteInput) (*Create, error) {
	in.detach()
	_, err := in.open(s.catalogue(), createRule)
	return &Create{in: in, store: s, draft: new(draft)}, err
}

// DraftUpdate begins an update of a request.
func (s *Store) DraftUpdate(id string, in WriteInput) (*Update, error) {
	in.detach()
	_, err := in.open(s.catalogue(), updateRule)
	return &Update{in: in, store: s, id: id, draft: new(draft)}, err
}

// AsDraft makes the command one around which user code runs.
func (cmd *Create) AsDraft() WriteDraft {
	if cmd.draft == nil {
		cmd.draft = new(draft)
	}
	return cmd
}

// AsDraft makes the command one around which user code runs.
func (cmd *Update) AsDraft() WriteDraft {
	if cmd.draft == nil {
		cmd.draft = new(draft)
	}
	return cmd
}

// AsDraft makes the command one around which user code runs.
func (cmd *Delete) AsDraft() WriteDraft { return cmd }
