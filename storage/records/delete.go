package records

import (
	"context"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Delete is the command that deletes a record and what refers to it.
type Delete struct {
	in    WriteInput
	store *Store
	id    string

	// Around is user code around what the deletion brings with it, nil for none. A command with user code is not repeatable:
	// it has to be a unit of its own.
	Around Around
	// Bound says how much the unit may do.
	Bound Bound
	room  *allowance // that it shares with others of a batch
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
	return &Delete{in: in, store: s, id: id}, nil
}

func deleteRule(c *schema.Collection) *string { return c.DeleteRule }

// CollectionID implements [Command].
func (cmd *Delete) CollectionID() string { return cmd.in.CollectionID }

// ID returns the id of the record.
func (cmd *Delete) ID() string { return cmd.id }

// Apply implements sqlite.Work. It fails with [ErrNotFound] (also when the rule is not met), [ErrReferenced] or
// [ErrLastSuperuser] beside the errors of PrepareDelete, with [ErrInPieces] or [ErrTooBig] where it is bounded, and with a
// *[BeingDeletedError].
func (cmd *Delete) Apply(tx *sqlite.Tx) error {
	s := cmd.store
	cat := s.catalogue()
	if err := cmd.in.identify(s, cat, tx); err != nil {
		return err
	}
	c, err := cmd.in.open(cat, deleteRule)
	if err != nil {
		return err
	}
	r, err := cmd.find(cat, tx, c)
	if err != nil {
		return err
	}
	room := cmd.room
	if room == nil {
		room = cmd.Bound.room()
	}
	d := &deletion{s: s, cat: cat, tx: tx, now: cmd.in.now(), around: cmd.Around, room: room}
	return d.erase(c, []*Record{r})
}

// find returns the record, if the rule lets the caller delete it.
func (cmd *Delete) find(cat *schema.Catalogue, p Preparer, c *schema.Collection) (*Record, error) {
	s := cmd.store
	r, err := s.load(p, s.compiled(cat), c, cmd.id)
	if err != nil {
		return nil, err
	}
	if rule := cmd.in.rule(c.DeleteRule); rule != "" {
		sub := submit(r, cmd.in.Body, nil, false)
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

// Action implements [WriteDraft].
func (cmd *Delete) Action() Action { return Deleted }

// Begin implements [WriteDraft].
func (cmd *Delete) Begin(look Look) (r *Record, err error) {
	err = look(func(p Preparer) error {
		cat := cmd.store.catalogue()
		if err := cmd.in.identify(cmd.store, cat, p); err != nil {
			return err
		}
		c, err := cmd.in.open(cat, deleteRule)
		if err == nil {
			r, err = cmd.find(cat, p, c)
		}
		return err
	})
	return r, err
}

// CheckForm implements [WriteDraft]: there is none.
func (cmd *Delete) CheckForm(context.Context, Look) error { return nil }

// Complete implements [WriteDraft]: there is nothing to complete.
func (cmd *Delete) Complete(*Record) error { return nil }

// Check implements [WriteDraft]: nothing is checked.
func (cmd *Delete) Check(*Record, Look) error { return nil }

// Seal implements [WriteDraft]. The record that is deleted stays the one that the request named.
func (cmd *Delete) Seal(context.Context, *Record) error { return nil }
