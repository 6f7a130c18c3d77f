package records

import (
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Truncate is the command that deletes all records of a collection. It holds the Writer alone.
type Truncate struct {
	in WriteInput

	// Bound says how much the unit may do.
	Bound Bound
}

// PrepareTruncate fails with [ErrNoCollection], [ErrView], or [ErrForbidden] for a caller who is no superuser. The zero
// caller is the server itself.
func (s *Store) PrepareTruncate(collectionID string, who Caller) (*Truncate, error) {
	in := WriteInput{CollectionID: collectionID, Caller: who, SkipRules: who.Request == nil}
	if !in.trusted() {
		return nil, ErrForbidden
	}
	if _, err := in.open(s.catalogue(), deleteRule); err != nil {
		return nil, err
	}
	in.detach()
	return &Truncate{in: in}, nil
}

func (cmd *Truncate) collectionID() string { return cmd.in.CollectionID }

// truncateStep is how many records are deleted at a time, which bounds the memory of a truncate.
const truncateStep = 500

// apply implements [Command]. It fails like that of a [Delete]. User code is asked about the truncated records themselves, too.
func (cmd *Truncate) apply(x *execution) error {
	if err := cmd.in.identify(x.s, x.cat, x.tx); err != nil {
		return err
	}
	c := x.cat.ByID(cmd.in.CollectionID)
	if c == nil {
		return ErrNoCollection
	}
	d := &deletion{s: x.s, cat: x.cat, tx: x.tx, now: time.Now(), around: x.around, left: cmd.Bound.allowance()}
	last := "" // user code may keep records: they are passed
	for {
		stmt, err := x.tx.Prepare("SELECT " + allColumns(c) + " FROM " + sqlite.QuoteName(c.Name) + fmt.Sprintf(" WHERE id > ? ORDER BY id LIMIT %d", truncateStep))
		if err != nil {
			return fmt.Errorf("truncate %s: %w", c.Name, err)
		}
		stmt.BindText(1, last)
		list, err := scanAll(c, stmt)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return nil
		}
		if err := d.remove(c, list); err != nil {
			return err
		}
		last = list[len(list)-1].ID()
	}
}

// roots implements target. What is created meanwhile stays.
func (cmd *Truncate) roots(cs *cascade) (more bool, err error) {
	c := cs.cat.ByID(cmd.in.CollectionID)
	if c == nil {
		return false, ErrNoCollection
	}
	table := sqlite.QuoteName(c.Name)
	stmt, err := cs.p.Prepare("SELECT `id` FROM " + table + " LIMIT ?")
	if err != nil {
		return false, fmt.Errorf("truncate %s: %w", c.Name, err)
	}
	stmt.BindInt64(1, maxTruncated+1)
	for n := 0; ; n++ {
		found, err := stmt.Step()
		if err != nil {
			return false, fmt.Errorf("truncate %s: %w", c.Name, err)
		}
		if !found {
			return false, nil
		}
		if n == maxTruncated {
			return true, stmt.Reset()
		}
		i, err := cs.add(c, stmt.ColumnText(0))
		if err != nil {
			return false, err
		}
		cs.deletes(i)
	}
}

// allowed implements target.
func (cmd *Truncate) allowed(s *Store, cat *schema.Catalogue, tx *sqlite.Tx) error {
	if err := cmd.in.identify(s, cat, tx); err != nil {
		return err
	}
	if cat.ByID(cmd.in.CollectionID) == nil {
		return ErrNoCollection
	}
	return nil
}
