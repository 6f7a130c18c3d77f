package records

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Bound says how much of the Writer's time a deletion may take. The zero value has no limit: what there is is deleted in one unit.
type Bound int

const (
	// Short fails with [ErrInPieces] where more is to be done than others should wait for: the caller has a way to do it in pieces.
	Short Bound = iota + 1
	// Bounded fails with [ErrTooBig] where more is to be done than others can be made to wait for: the deletion is part of a
	// transaction, so that there is no other way.
	Bounded
)

const (
	// maxShort is how many records a unit deletes or changes beside others: 5 to 20 milliseconds.
	maxShort = 1000
	// maxShortRows is how many rows a unit looks at for references where no index helps: about as long.
	maxShortRows = 20_000
	// maxBounded is how many records a transaction may delete or change by one deletion: 0.1 to 0.4 seconds.
	maxBounded = 20_000
)

var (
	// ErrInPieces says that a deletion is too big for one unit. Nothing was done; see [Store.PlanRemoval].
	ErrInPieces = errors.New("the deletion has to be done in pieces")
	// ErrTooBig says that a deletion brings more along than can be done. Nothing was done.
	ErrTooBig = errors.New("the deletion brings too many records along")
)

// allowance returns what the bound leaves, nil for no limit.
func (b Bound) allowance() *allowance {
	switch b {
	case Short:
		return &allowance{records: maxShort, rows: maxShortRows, over: ErrInPieces}
	case Bounded:
		return &allowance{records: maxBounded, rows: -1, over: fmt.Errorf("%w: more than %d", ErrTooBig, maxBounded)}
	}
	return nil
}

// allowance is what a deletion may still do. A nil one has no limits.
type allowance struct {
	records int
	rows    int64 // negative for no limit
	over    error
}

func (a *allowance) take(records int) error {
	if a == nil {
		return nil
	}
	if a.records -= records; a.records < 0 {
		return a.over
	}
	return nil
}

// limit is how many referencing records are worth reading: one more than there is room for.
func (a *allowance) limit() int64 {
	if a == nil {
		return -1
	}
	return int64(a.records) + 1
}

// scan fails where looking for references would read the whole of a big table.
func (a *allowance) scan(p Preparer, ref schema.Reference) error {
	if a == nil || a.rows < 0 {
		return nil
	}
	rows, err := roughRows(p, ref.Collection)
	if err != nil || rows <= maxShort || indexed(ref) {
		return err
	}
	if a.rows -= rows; a.rows < 0 {
		a.rows = 0
		return a.over
	}
	return nil
}

// indexed tells whether an index finds the records whose relation field holds an id. None does in a list.
func indexed(ref schema.Reference) bool {
	if ref.Field.Multiple() {
		return false
	}
	for _, text := range ref.Collection.Indexes {
		ix := schema.ParseIndex(text)
		if ix.Where == "" && len(ix.Columns) > 0 && strings.EqualFold(ix.Columns[0].Name, ref.Field.Name) && ix.Columns[0].Collate == "" {
			return true
		}
	}
	return false
}

// roughRows returns a number that is not smaller than that of the rows of a table, or near to it, without counting them.
func roughRows(p Preparer, c *schema.Collection) (int64, error) {
	stmt, err := p.Prepare("SELECT " + sqlite.LastRow(c.Name))
	if err != nil {
		return 0, fmt.Errorf("look for the size of %s: %w", c.Name, err)
	}
	if _, err := stmt.Step(); err != nil {
		return 0, fmt.Errorf("look for the size of %s: %w", c.Name, err)
	}
	return stmt.ColumnInt64(0), stmt.Reset()
}
