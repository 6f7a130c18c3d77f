package records

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/troupebase/troupe/storage/schema"
)

// Draft is a write around which user code runs: the command, and the store that prepares it. Its methods are called in the order in
// which they stand here, each at most once, and then the command is applied. What user code has made of the record is given back
// to each of them; a record of another collection is refused. One goroutine uses it.
//
// A draft is no licence: the rule is judged again, on the request as it was made, in the transaction that writes, and
// what user code changed is laid over the row as it is then, so that two writers do not lose one another's changes.
type Draft struct {
	s   *Store
	cmd drafted
}

// drafted is a command around which user code can run.
type drafted interface {
	Command
	recordID() string
	action() Action
	begin(s *Store, read ReadFunc) (*Record, error)
	checkForm(ctx context.Context, s *Store, read ReadFunc) error
	fill(r *Record) error
	checkDraft(s *Store, r *Record, read ReadFunc) error
	seal(ctx context.Context, s *Store, r *Record) error
}

// ReadFunc is how a draft reads: it calls fn, once or more, with a connection.
type ReadFunc func(fn func(p Preparer) error) error

// Command returns the command that the draft makes.
func (d *Draft) Command() Command { return d.cmd }

// Action tells what the command does.
func (d *Draft) Action() Action { return d.cmd.action() }

// ID is the record's id, "" while a new one has none.
func (d *Draft) ID() string { return d.cmd.recordID() }

// Begin judges the rule and returns the record as the request made it. It fails like the Prepare functions and the command.
func (d *Draft) Begin(read ReadFunc) (*Record, error) { return d.cmd.begin(d.s, read) }

// CheckForm checks what is asked of requests and not of programs: confirmations of passwords, what only managers change.
func (d *Draft) CheckForm(ctx context.Context, read ReadFunc) error {
	return d.cmd.checkForm(ctx, d.s, read)
}

// Complete fills in what the server makes up: the id and generated texts.
func (d *Draft) Complete(r *Record) error { return d.cmd.fill(r) }

// Check checks the values. Where user code left it out nothing is checked.
func (d *Draft) Check(r *Record, read ReadFunc) error { return d.cmd.checkDraft(d.s, r, read) }

// Seal takes the record as it is to be written and hashes its passwords.
func (d *Draft) Seal(ctx context.Context, r *Record) error { return d.cmd.seal(ctx, d.s, r) }

// Draft makes a command one around which user code runs; of an [Upsert] the way that is taken, which read tells. It fails for commands
// that no hooks are bound to.
func (s *Store) Draft(cmd Command, read ReadFunc) (*Draft, error) {
	if up, ok := cmd.(*Upsert); ok {
		if err := read(func(p Preparer) error { return up.choose(s, p) }); err != nil {
			return nil, err
		}
		cmd = up.create
		if up.Updated {
			cmd = up.update
		}
	}
	switch cmd := cmd.(type) {
	case *Create:
		if cmd.draft == nil {
			cmd.draft = new(draftState)
		}
		if cmd.hashed != nil {
			cmd.in.Ahead = &Ahead{hashed: cmd.hashed}
		}
		return &Draft{s, cmd}, nil
	case *Update:
		if cmd.draft == nil {
			cmd.draft = new(draftState)
		}
		if cmd.hashed != nil {
			cmd.in.Ahead = &Ahead{hashed: cmd.hashed, old: textOf(cmd.in.Body["oldPassword"]), compared: cmd.compared, matched: cmd.matched}
		}
		return &Draft{s, cmd}, nil
	case *Delete:
		return &Draft{s, cmd}, nil
	}
	return nil, fmt.Errorf("no draft of a %T", cmd)
}

// draftState is what creates and updates know of the user code around them.
type draftState struct {
	base  *Record // the record that user code was given first
	given *Record // a program's own record, nil for one that is made of a body
	form  bool    // the form was checked, and is again in the transaction
	// checked is the record that was checked, nil when it was not; final is the one to be written.
	checked, final *Record
}

// accept refuses a record that cannot take the place of the draft's.
func (d *draftState) accept(r *Record) error {
	if r == nil || r.Collection.ID != d.base.Collection.ID {
		return fmt.Errorf("%w: the record of a hook belongs to another collection", ErrNoCollection)
	}
	return nil
}

// check notes what was checked, and with what outcome.
func (d *draftState) check(r *Record, err error) error {
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
func (s *Store) DraftSave(r *Record, in WriteInput) (*Draft, error) {
	in.detach()
	in.CollectionID, in.Incarnation, in.SkipRules = r.Collection.ID, r.Collection.Incarnation, true
	d := &draftState{base: r.Clone()}
	d.given = d.base
	if r.IsNew() {
		if _, err := in.open(s.catalogue(), createRule); err != nil {
			return nil, err
		}
		sub := &submission{record: d.base, body: map[string]any{}}
		return &Draft{s, &Create{in: in, sub: sub, draft: d}}, nil
	}
	if _, err := in.open(s.catalogue(), updateRule); err != nil {
		return nil, err
	}
	d.base = r.Original()
	return &Draft{s, &Update{in: in, id: d.base.ID(), draft: d}}, nil
}

// DraftCreate begins a create of a request.
func (s *Store) DraftCreate(in WriteInput) (*Draft, error) {
	in.detach()
	_, err := in.open(s.catalogue(), createRule)
	return &Draft{s, &Create{in: in, draft: new(draftState)}}, err
}

// DraftUpdate begins an update of a request.
func (s *Store) DraftUpdate(id string, in WriteInput) (*Draft, error) {
	in.detach()
	_, err := in.open(s.catalogue(), updateRule)
	return &Draft{s, &Update{in: in, id: id, draft: new(draftState)}}, err
}

// DraftDelete begins a deletion. It fails like [Store.PrepareDelete].
func (s *Store) DraftDelete(id string, in WriteInput) (*Draft, error) {
	cmd, err := s.PrepareDelete(id, in)
	if err != nil {
		return nil, err
	}
	return &Draft{s, cmd}, nil
}
