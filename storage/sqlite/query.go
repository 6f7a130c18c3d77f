package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	lib "modernc.org/sqlite/lib"
	zsqlite "zombiezen.com/go/sqlite"
)

// Why the statement of an extension is refused. The text of the error says more and is meant for its author.
var (
	// ErrWrites says that a statement that could change something was to run on a Reader.
	ErrWrites = errors.New("sqlite: the statement writes")
	// ErrSeveral says that a text of SQL holds more than one statement.
	ErrSeveral = errors.New("sqlite: more than one statement")
	// ErrDenied says that a statement does what extensions may not.
	ErrDenied = errors.New("sqlite: not allowed")
	// ErrParameters says that the values do not fit the parameters of a statement.
	ErrParameters = errors.New("sqlite: parameters")
	// ErrTooLarge says that the rows of a statement take more than fits.
	ErrTooLarge = errors.New("sqlite: the result is too large")
)

const (
	// maxQueryRows is how many rows a query gives that does not say.
	maxQueryRows = 1000
	// maxQueryBytes bounds the rows of one query in memory.
	maxQueryBytes = 16 << 20
	// maxQueryValue bounds each value while a query runs, so that no function can make one that fills the memory.
	maxQueryValue = 32 << 20
)

// Query is one statement of an extension. What it may do is narrower than what the console may, see guard.go.
type Query struct {
	SQL string
	// Args are the values of the parameters in their order, Named those of :name, @name and $name; one of them is used. They
	// are nil, bool, integers, float64, string, []byte or json.Number. All must be there and none may be left over in Args.
	Args  []any
	Named map[string]any
	// MaxRows is how many rows are kept, 1000 when it is zero.
	MaxRows int
	// Secret are columns by table, in lower case, that the statement may neither read nor set; rows of such a table it does not
	// put in either. Fixed are columns that it may not set.
	Secret, Fixed map[string][]string
}

// QueryResult is what a [Query] gave.
type QueryResult struct {
	Columns []string
	// Rows are JSON arrays. Blobs are texts in base64; what JSON cannot say is null.
	Rows []json.RawMessage
	// More tells that there were more rows.
	More bool
	// Affected is how many rows the statement inserted, updated or deleted.
	Affected int
}

// ReadOnly tells whether a statement changes nothing, so that it can run on a Reader. It fails with [ErrEmptyQuery],
// [ErrSeveral], [ErrDenied], or as SQLite refuses the text.
func (r *Reader) ReadOnly(q *Query) (yes bool, err error) {
	err = r.conn.guarded(newExtensionGuard(q), func() error {
		stmt, writes, err := r.conn.prepareOne(q)
		if err != nil {
			return err
		}
		yes = !writes
		return stmt.Finalize()
	})
	return yes, err
}

// Query runs one statement of an extension that only reads; others fail with [ErrWrites] before they begin. It ends with ctx
// or the loan, with [ErrInterrupted]. It fails otherwise like [Reader.ReadOnly], with [ErrParameters] or [ErrTooLarge].
func (r *Reader) Query(ctx context.Context, q *Query) (*QueryResult, error) {
	return r.conn.query(ctx, q, newExtensionGuard(q), true)
}

// Query runs one statement of an extension in the unit's transaction and raises the versions of what it wrote. It ends with
// ctx, which may take the whole transaction along. It fails like [Reader.Query], and with a [*UniqueError].
func (tx *Tx) Query(ctx context.Context, q *Query) (*QueryResult, error) {
	tx.wrote = true
	g := newExtensionGuard(q)
	out, err := tx.w.conn.query(ctx, q, g, false)
	for table := range g.written {
		tx.Touch(table)
	}
	return out, Classify(err)
}

// guarded runs f while g judges what is prepared.
func (c *connection) guarded(g *consoleGuard, f func() error) (err error) {
	if err := c.SetAuthorizer(g); err != nil {
		return fmt.Errorf("guard foreign sql: %w", err)
	}
	defer func() {
		if aerr := c.SetAuthorizer(nil); err == nil {
			err = aerr
		}
	}()
	return f()
}

func (c *connection) query(ctx context.Context, q *Query, g *consoleGuard, reading bool) (out *QueryResult, err error) {
	was := c.SetInterrupt(ctx.Done())
	defer c.SetInterrupt(was)
	limit := c.Limit(zsqlite.LimitLength, maxQueryValue)
	defer c.Limit(zsqlite.LimitLength, limit)
	err = c.guarded(g, func() error {
		stmt, writes, err := c.prepareOne(q)
		if err != nil {
			return err
		}
		if err := c.keepsIdentities(g); err != nil {
			return errors.Join(err, stmt.Finalize())
		}
		out = &QueryResult{}
		before := lib.Xsqlite3_total_changes(c.tls, c.db)
		if writes && reading {
			err = ErrWrites
		} else {
			err = out.run(stmt, q)
		}
		if ferr := stmt.Finalize(); err == nil {
			err = ferr // otherwise it reports the same failure again
		}
		if lib.Xsqlite3_total_changes(c.tls, c.db) != before {
			out.Affected = c.Changes()
		}
		return err
	})
	if err != nil && isCode(err, zsqlite.ResultInterrupt) && ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	if err != nil {
		return nil, tooLarge(err)
	}
	return out, nil
}

// prepareOne prepares a text that holds one statement and no more; comments around it do not count.
func (c *connection) prepareOne(q *Query) (one *zsqlite.Stmt, writes bool, err error) {
	sql := q.SQL
	if q.joinsSecrets() {
		return nil, false, fmt.Errorf("%w: a secret column in NATURAL or USING", ErrDenied)
	}
	for strings.TrimSpace(sql) != "" {
		stmt, trailing, err := c.PrepareTransient(sql)
		if err == nil && one != nil {
			var handle uintptr
			if handle, err = handleOf(stmt); err == nil && handle != 0 {
				err = ErrSeveral
			}
			err = errors.Join(err, stmt.Finalize())
		}
		if err != nil {
			if one != nil {
				_ = one.Finalize() // it was never run
			}
			return nil, false, denied(err)
		}
		sql = sql[len(sql)-trailing:]
		if one != nil {
			continue
		}
		handle, err := handleOf(stmt)
		if err != nil {
			return nil, false, errors.Join(err, stmt.Finalize())
		}
		if handle != 0 {
			one, writes = stmt, c.writes(handle)
		}
	}
	if one == nil {
		return nil, false, ErrEmptyQuery
	}
	return one, writes, nil
}

func denied(err error) error {
	if isCode(err, zsqlite.ResultAuth) {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return err
}

// run binds, steps and keeps rows.
func (out *QueryResult) run(stmt *zsqlite.Stmt, q *Query) error {
	if err := q.bind(stmt); err != nil {
		return err
	}
	for i := range stmt.ColumnCount() {
		out.Columns = append(out.Columns, stmt.ColumnName(i))
	}
	limit := q.MaxRows
	if limit <= 0 {
		limit = maxQueryRows
	}
	size := 0
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return denied(err)
		}
		if len(out.Rows) >= limit {
			out.More = true
			return nil
		}
		for i := range stmt.ColumnCount() {
			size += stmt.ColumnLen(i)
		}
		if size > maxQueryBytes {
			return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, maxQueryBytes)
		}
		row, err := appendJSONRow(nil, stmt)
		if err != nil {
			return err
		}
		out.Rows = append(out.Rows, row)
	}
}
