package records

import (
	"context"

	"github.com/troupebase/troupe/storage/schema"
)

// Delete is the command that deletes a record and what refers to it.
type Delete struct {
	in WriteInput
	id string

	// Bound says how much the unit may do.
	Bound Bound
}

// Around is user code around the writes that a deletion makes to other records.
type Around interface {
	// Hooked tells whether there is any for an action on records of c.
	Hooked(c *schema.Collection, action Action) bool
	// Write runs the user code around one write. r may be changed before write is called, which writes it.
	Write(action Action, r *Record, write func() error) error
}

// PrepareDelete fails with [ErrNoCollection], [ErrView] or [ErrForbidden].
func (s *Store) PrepareDelete(id string, in WriteInput) (*Delete, error) {
	if _, err := in.open(s.catalogue(), deleteRule); err != nil {
		return nil, err
	}
	in.detach()
	return &Delete{in: in, id: id}, nil
}

func deleteRule(c *schema.Collection) *string { return c.DeleteRule }

func (cmd *Delete) collectionID() string { return cmd.in.CollectionID }

// ID returns the id of the record that is deleted.
func (cmd *Delete) ID() string { return cmd.id }

func (cmd *Delete) recordID() string { return cmd.id }

// apply implements [Command]. It fails with [ErrNotFound] (also when the rule is not met), [ErrReferenced] or
// [ErrLastSuperuser] beside the errors of PrepareDelete, with [ErrInPieces] or [ErrTooBig] where it is bounded, and with a
// *[BeingDeletedError].
func (cmd *Delete) apply(x *execution) error {
	if err := cmd.in.identify(x.s, x.cat, x.tx); err != nil {
		return err
	}
	c, err := cmd.in.open(x.cat, deleteRule)
	if err != nil {
		return err
	}
	r, err := cmd.find(x.s, x.cat, x.tx, c)
	if err != nil {
		return err
	}
	left := x.left
	if left == nil || cmd.Bound != Bounded {
		left = cmd.Bound.allowance()
	}
	d := &deletion{s: x.s, cat: x.cat, tx: x.tx, now: cmd.in.now(), around: x.around, left: left}
	return d.erase(c, []*Record{r})
}

// find returns the record, if the rule lets the caller delete it.
func (cmd *Delete) find(s *Store, cat *schema.Catalogue, p Preparer, c *schema.Collection) (*Record, error) {
	r, err := s.load(p, s.compiled(cat), c, cmd.id)
	if err != nil {
		return nil, err
	}
	if rule := cmd.in.rule(c.DeleteRule); rule != "" {
		sub := submit(r.Clone(), cmd.in.Body, nil, false)
		met, err := s.judgeRow(cat, p, c, r.ID(), rule, sub.request(&cmd.in.Caller))
		if err != nil {
			return nil, refused(err, ErrNotFound)
		}
		if !met {
			return nil, ErrNotFound
		}
	}
	return r, nil
}

func (cmd *Delete) action() Action { return Deleted }

func (cmd *Delete) begin(s *Store, read ReadFunc) (r *Record, err error) {
	err = read(func(p Preparer) error {
		cat := s.catalogue()
		if err := cmd.in.identify(s, cat, p); err != nil {
			return err
		}
		c, err := cmd.in.open(cat, deleteRule)
		if err == nil {
			r, err = cmd.find(s, cat, p, c)
		}
		return err
	})
	return r, err
}

// What follows is left out: a deletion has no values, and the record that is deleted stays the one that the request named.

func (cmd *Delete) checkForm(context.Context, *Store, ReadFunc) error { return nil }
func (cmd *Delete) fill(*Record) error                                { return nil }
func (cmd *Delete) checkDraft(*Store, *Record, ReadFunc) error        { return nil }
func (cmd *Delete) seal(context.Context, *Store, *Record) error       { return nil }
