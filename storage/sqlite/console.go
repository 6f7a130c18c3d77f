package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/budget"
)

// What is kept of a foreign statement is for a person to look at.
const (
	maxConsoleRows  = 1000
	maxConsoleBytes = 8 << 20 // of its rows; the answer that is made of them takes about as much again
)

// ErrEmptyQuery says that a text of SQL holds no statement.
var ErrEmptyQuery = errors.New("empty query")

// ConsoleResult is what SQL that we did not write gave: rows of its last statement that reads, and how many rows its last
// statement that writes changed. Who has done with the rows calls Release.
type ConsoleResult struct {
	Columns  []ConsoleColumn
	Rows     [][]*string // values as text, nil for NULL
	Affected int

	share  *budget.Share
	client string
	taken  int64
}

// Release gives back the room of the rows. It may be called more than once, and on nil.
func (out *ConsoleResult) Release() {
	if out != nil {
		out.share.Give(out.client, out.taken)
		out.taken = 0
	}
}

// take asks for room for a row of size bytes, and for its part of the answer.
func (out *ConsoleResult) take(size int64) error {
	if out.taken/2+size > maxConsoleBytes {
		return fmt.Errorf("%w: its rows take more than %d bytes, ask for fewer or shorter ones", ErrTooLarge, maxConsoleBytes)
	}
	if err := out.share.Take(out.client, 2*size); err != nil {
		return fmt.Errorf("keep rows: %w", err)
	}
	out.taken += 2 * size
	return nil
}

// ConsoleColumn is a column of a result. Type is the declared type of the table's column, "" for an expression.
type ConsoleColumn struct{ Name, Type string }

// Console runs SQL that we did not write on a Reader. The rows are kept on behalf of the client that [DB.Read] was told; they fail with [ErrTooLarge], or with a
// [*budget.FullError] where [Options.Rows] has no room for them. The error's text is meant for the operator.
func (r *Reader) Console(sql string) (out *ConsoleResult, err error) {
	out = &ConsoleResult{share: r.pool.db.options.Rows, client: r.loan.client}
	err = r.conn.spilling(func() error {
		return r.conn.console(sql, &consoleGuard{written: make(map[string]struct{})}, out, true)
	})
	if err != nil {
		out.Release()
		return nil, err
	}
	return out, nil
}

// Console runs SQL that we did not write in the transaction of a unit that is alone, and raises the versions of what it
// wrote. It ends with the time limit of ctx. Rows are not kept.
func (tx *Tx) Console(ctx context.Context, sql string) (*ConsoleResult, error) {
	tx.wrote = true
	g := &consoleGuard{written: make(map[string]struct{})}
	was := tx.w.conn.SetInterrupt(ctx.Done())
	defer tx.w.conn.SetInterrupt(was)
	out := &ConsoleResult{}
	err := tx.w.conn.keepsSchema(func() error { return tx.w.conn.console(sql, g, out, false) })
	for table := range g.written {
		tx.Touch(table)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// spilling runs f, whose statements put what they sort and remember into temporary files when it grows, instead of keeping it in memory.
func (c *connection) spilling(f func() error) (err error) {
	if !c.AutocommitEnabled() {
		return f() // it cannot be changed inside a transaction
	}
	if err := c.run("PRAGMA temp_store=FILE"); err != nil {
		return fmt.Errorf("set temp_store: %w", err)
	}
	defer func() { err = errors.Join(err, c.run("PRAGMA temp_store=MEMORY")) }()
	return f()
}

// console runs statement after statement under an authorizer.
func (c *connection) console(sql string, g *consoleGuard, out *ConsoleResult, keep bool) error {
	limit := c.Limit(zsqlite.LimitLength, maxQueryValue)
	defer c.Limit(zsqlite.LimitLength, limit)
	return c.guarded(g, func() error {
		statements := 0
		for strings.TrimSpace(sql) != "" {
			stmt, trailing, err := c.PrepareTransient(sql)
			if err != nil {
				return err
			}
			sql = sql[len(sql)-trailing:]
			if handle, err := handleOf(stmt); err != nil {
				return errors.Join(err, stmt.Finalize())
			} else if handle == 0 {
				continue // nothing but blanks and comments before the next semicolon
			}
			statements++
			if err := errors.Join(c.consoleStatement(stmt, out, keep), stmt.Finalize()); err != nil {
				return tooLarge(err)
			}
		}
		if statements == 0 {
			return ErrEmptyQuery
		}
		return nil
	})
}

// tooLarge says which limit a value has met.
func tooLarge(err error) error {
	if !isCode(err, zsqlite.ResultTooBig) {
		return err
	}
	return fmt.Errorf("%w: a value or row of more than %d bytes", ErrTooLarge, maxQueryValue)
}

// consoleStatement runs one statement to its end and keeps what it gave.
func (c *connection) consoleStatement(stmt *zsqlite.Stmt, out *ConsoleResult, keep bool) error {
	before := lib.Xsqlite3_total_changes(c.tls, c.db)
	out.Release()
	out.Columns, out.Rows = nil, nil
	for i := range stmt.ColumnCount() {
		out.Columns = append(out.Columns, ConsoleColumn{Name: stmt.ColumnName(i), Type: c.declaredType(stmt, i)})
	}
	for rows := 0; rows < maxConsoleRows; rows++ {
		more, err := stmt.Step()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if keep {
			if err := out.keep(stmt); err != nil {
				return err
			}
		}
	}
	if lib.Xsqlite3_total_changes(c.tls, c.db) != before {
		out.Affected = c.Changes()
	}
	return nil
}

// cellSize is what a value takes beside its bytes: a pointer, and the string that it points to.
const cellSize = 24

// keep keeps the current row, after there was room for it.
func (out *ConsoleResult) keep(stmt *zsqlite.Stmt) error {
	size := int64(cellSize)
	for i := range stmt.ColumnCount() {
		size += cellSize + int64(stmt.ColumnLen(i))
	}
	if err := out.take(size); err != nil {
		return err
	}
	row := make([]*string, stmt.ColumnCount())
	for i := range row {
		if !stmt.ColumnIsNull(i) {
			text := stmt.ColumnText(i)
			row[i] = &text
		}
	}
	out.Rows = append(out.Rows, row)
	return nil
}

// declaredType is the type that the table's definition gives a column. zombiezen does not show it.
func (c *connection) declaredType(stmt *zsqlite.Stmt, column int) string {
	handle, err := handleOf(stmt)
	if err != nil {
		return ""
	}
	text := lib.Xsqlite3_column_decltype(c.tls, handle, int32(column))
	if text == 0 {
		return ""
	}
	return libc.GoString(text)
}
