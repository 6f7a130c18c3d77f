package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	lib "modernc.org/sqlite/lib"
	zsqlite "zombiezen.com/go/sqlite"
)

// counts knows how many rows tables have. A table is counted when somebody asks for the first time; from then on the Writer adds what
// each group inserted and takes off what it deleted. What cannot be followed so (SQL that we did not write, other processes, changes of the
// schema) makes a table uncounted again.
//
// The number of the group, which each commit writes into the file, says which groups a count has in it: one is added to it when its
// number is higher, however the count and the commit overtook one another. Safe for concurrent use.
type counts struct {
	mu     sync.RWMutex
	tables map[string]*rowCount
	group  uint64 // the last one that was published
}

// rowCount is the number of rows of one table. Everything but done is under the lock of counts.
type rowCount struct {
	done    chan struct{} // closed when the count has ended
	known   bool          // it has ended well
	refused bool          // the rows cannot be followed
	rows    int
	group   uint64   // the last one that is in rows
	pending []growth // of the groups that were published while it runs
}

// growth is by how many rows a table grew.
type growth struct {
	table    string
	rows     int
	group    uint64
	rewrites bool // more was done than to add rows
	unknown  bool
}

// LastGroup is an SQL expression: the number of the last group in a snapshot.
const LastGroup = "(SELECT `group` FROM `main`.`_troupe_commits` WHERE `id` = 1)"

// LastRow returns an SQL expression: the highest rowid of a table, below which no new row gets one. It is NULL for views and for tables
// whose definition says what to do on a conflict: they may replace rows, which SQLite tells nobody about.
func LastRow(table string) string {
	return ifPlain(table, "SELECT COALESCE(MAX(_rowid_), 0) FROM `main`."+QuoteName(table))
}

// ifPlain is the value of a query if the table is one whose rows can be followed, otherwise NULL.
func ifPlain(table, query string) string {
	return "CASE WHEN EXISTS (SELECT 1 FROM `main`.sqlite_schema WHERE type = 'table' AND name = '" + strings.ReplaceAll(table, "'", "''") +
		"' AND sql NOT LIKE '%on%conflict%') THEN (" + query + ") END"
}

// maxPending is how many groups a count may miss while it runs: some seconds of writing, in a megabyte or two.
const maxPending = 1 << 16

// ErrUncounted says that the rows of a table cannot be followed, so that they have to be counted each time.
var ErrUncounted = errors.New("sqlite: rows of the table are not followed")

// Effect is what a statement that is run by [Tx.Run] does to the rows of its table.
type Effect int

// The effects of DELETE, UPDATE and INSERT.
const (
	Removes Effect = -1
	Keeps   Effect = 0
	Adds    Effect = 1
)

// Run runs s, which writes to table and no other, to its end. It does what [Tx.Touch] does and lets [DB.Rows] stay known.
// A violated unique constraint is a [*UniqueError].
func (tx *Tx) Run(s *zsqlite.Stmt, table string, e Effect) error {
	c := tx.w.conn
	before := lib.Xsqlite3_total_changes(c.tls, c.db)
	for more := true; more; {
		var err error
		if more, err = s.Step(); err != nil {
			tx.Touch(table)
			return Classify(err)
		}
	}
	n := c.Changes()
	if int(lib.Xsqlite3_total_changes(c.tls, c.db)-before) != n {
		tx.Touch(table) // a trigger wrote, too
		return nil
	}
	tx.touched[table] = struct{}{}
	if n > 0 {
		tx.grown = append(tx.grown, growth{table: table, rows: int(e) * n, rewrites: e != Adds})
	}
	return nil
}

// Rows returns how many rows a table has, as of a moment between the call and its return. It is exact, and costs nothing most of the time;
// otherwise r counts. It fails with [ErrUncounted] for a table whose rows cannot be followed and for a view, and with
// [ErrInterrupted] when ctx ends while another read counts.
func (db *DB) Rows(ctx context.Context, r *Reader, table string) (int, error) {
	for {
		c, mine := db.counts.find(table)
		if mine {
			return db.counts.take(c, r, table)
		}
		if err := r.Await(ctx, c.done); err != nil {
			return 0, err
		}
		if n, ok, err := db.counts.current(table); ok {
			return n, err
		}
	}
}

// find returns the count of a table, a new one, which the caller has to make, when there is none.
func (c *counts) find(table string) (found *rowCount, mine bool) {
	c.mu.RLock()
	found = c.tables[table]
	c.mu.RUnlock()
	if found != nil {
		return found, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if found = c.tables[table]; found != nil {
		return found, false
	}
	found = &rowCount{done: make(chan struct{}), group: c.group}
	if c.tables == nil {
		c.tables = make(map[string]*rowCount)
	}
	c.tables[table] = found
	return found, true
}

// current returns how a count has ended, if it is there and has.
func (c *counts) current(table string) (rows int, ok bool, err error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	t := c.tables[table]
	switch {
	case t == nil:
		return 0, false, nil
	case t.refused:
		return 0, true, ErrUncounted
	}
	return t.rows, t.known, nil
}

// take makes a count. Whatever its outcome, those who wait for it go on.
func (c *counts) take(t *rowCount, r *Reader, table string) (rows int, err error) {
	var group uint64
	good := false
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		t.refused = errors.Is(err, ErrUncounted)
		if c.end(t, table, rows, group, good) {
			rows = t.rows
		}
		close(t.done)
	}()
	rows, group, err = countRows(r, table)
	good = err == nil && !r.snapshot // an older state may lack what was forgotten since
	return rows, err
}

// end makes a count known, or forgets it. The caller holds the lock.
func (c *counts) end(t *rowCount, table string, rows int, group uint64, good bool) bool {
	if c.tables[table] != t || t.refused {
		return false // forgotten meanwhile, or to be remembered as it is
	}
	// A group that was published before the count began must be in it: where the file says otherwise, somebody meddled with its number.
	if !good || group < t.group {
		delete(c.tables, table)
		return false
	}
	t.rows, t.group, t.known = rows, group, true
	for _, g := range t.pending {
		t.add(g)
	}
	t.pending = nil
	return true
}

func (t *rowCount) add(g growth) {
	if g.group > t.group {
		t.rows += g.rows
	}
}

// wait keeps a growth until the count has ended. It returns false when there are too many.
func (t *rowCount) wait(g growth) bool {
	if n := len(t.pending); n > 0 && t.pending[n-1].group == g.group {
		t.pending[n-1].rows += g.rows
		return true
	}
	if len(t.pending) == maxPending {
		return false
	}
	t.pending = append(t.pending, g)
	return true
}

// countRows counts, and reads in the same snapshot which group was the last.
func countRows(r *Reader, table string) (rows int, group uint64, err error) {
	s, err := r.Prepare("SELECT " + ifPlain(table, "SELECT COUNT(*) FROM `main`."+QuoteName(table)) + ", " + LastGroup)
	if err != nil {
		return 0, 0, fmt.Errorf("count rows of %s: %w", table, err)
	}
	if _, err := s.Step(); err != nil {
		return 0, 0, fmt.Errorf("count rows of %s: %w", table, err)
	}
	if s.ColumnIsNull(0) {
		return 0, 0, ErrUncounted
	}
	return s.ColumnInt(0), uint64(s.ColumnInt64(1)), s.Reset()
}

// published reports whether all groups up to that one are published.
func (c *counts) published(group uint64) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return group <= c.group
}

// publish adds what a group did, whose commit has returned. Tables of which that is not known become uncounted.
func (c *counts) publish(group uint64, grown []growth) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.group = group
	for _, g := range grown {
		t := c.tables[g.table]
		if t == nil {
			continue
		}
		g.group = group
		switch {
		case g.unknown:
			delete(c.tables, g.table)
		case t.known:
			t.add(g)
		case !t.wait(g):
			delete(c.tables, g.table)
		}
	}
}

// forget makes all tables uncounted.
func (c *counts) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tables = nil
}
