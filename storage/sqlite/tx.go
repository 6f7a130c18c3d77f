package sqlite

import (
	"context"
	"fmt"

	zsqlite "zombiezen.com/go/sqlite"
)

// Tx is the Writer's open transaction, lent to one unit during [Work.Apply]. It must not be kept or used from another goroutine.
type Tx struct {
	w       *writer
	changes []any
	touched map[string]struct{}
	grown   []growth // what the group did to the numbers of rows
	wrote   bool
}

// Prepare returns the statement for sql, reset and with no parameter bound. It belongs to the connection's cache: it need not be
// finalised, it is reset when Apply returns, and it is reset when the same text is prepared again.
func (tx *Tx) Prepare(sql string) (*zsqlite.Stmt, error) {
	s, err := tx.w.conn.cache.get(sql)
	if err != nil {
		return nil, err
	}
	tx.wrote = tx.wrote || s.writes
	return s.Stmt, nil
}

// Read runs fn, whose statements only read, until ctx ends: then they fail with [ErrInterrupted], and the transaction stays what it
// was. What fn reads it reads to its end.
func (tx *Tx) Read(ctx context.Context, fn func() error) error {
	if ctx.Done() == nil {
		return fn()
	}
	was := tx.w.conn.SetInterrupt(ctx.Done())
	err := fn()
	tx.w.conn.SetInterrupt(was)
	if err != nil && ctx.Err() != nil && isCode(err, zsqlite.ResultInterrupt) {
		err = fmt.Errorf("%w: %w", ErrInterrupted, err)
	}
	return err
}

// Exec runs one statement to its end. Arguments are nil, bool, integers, float64, string or []byte. A violated unique constraint is a [*UniqueError].
func (tx *Tx) Exec(sql string, args ...any) error {
	s, err := tx.Prepare(sql)
	if err != nil {
		return err
	}
	if err := Bind(s, args...); err != nil {
		return fmt.Errorf("exec %q: %w", sql, err)
	}
	for {
		row, err := s.Step()
		if err != nil {
			return Classify(err)
		}
		if !row {
			return nil
		}
	}
}

// Touch raises the version of a table that the unit writes. It counts also when the unit fails.
func (tx *Tx) Touch(table string) {
	tx.touched[table] = struct{}{}
	tx.grown = append(tx.grown, growth{table: table, rewrites: true, unknown: true})
}

// Touched reports whether a unit of the current group, this one included, wrote the table: what was worked out from a snapshot before
// the group is out of date then, although [DB.Version] has not moved yet.
func (tx *Tx) Touched(table string) bool {
	_, ok := tx.touched[table]
	return ok
}

// Current reports whether none of the noted versions has moved, the current group's writes included.
func (tx *Tx) Current(noted Versions) bool {
	for t := range noted {
		if tx.Touched(t) {
			return false
		}
	}
	return tx.w.db.Current(noted)
}

// Emit adds a change to what [Options.Committed] gets, with the next number of the global sequence. It is discarded when the unit fails.
func (tx *Tx) Emit(change any) { tx.changes = append(tx.changes, change) }

// Lost reports whether SQLite has ended the transaction by itself, as it does after some failures. Whatever is run then is
// committed on its own, so nothing may be: the unit has to end.
func (tx *Tx) Lost() bool { return tx.w.conn.AutocommitEnabled() }

// Savepoint is a point to which a unit can go back without ending. Savepoints nest: the one made last is ended first. It is
// used like the [Tx] it belongs to.
type Savepoint struct {
	tx             *Tx
	changes, grown int
}

// Savepoint makes a point to go back to. It is ended by [Savepoint.Keep] or [Savepoint.Undo].
func (tx *Tx) Savepoint() (Savepoint, error) {
	if err := exec(tx.w.control.part); err != nil {
		return Savepoint{}, fmt.Errorf("make a savepoint: %w", err)
	}
	return Savepoint{tx, len(tx.changes), len(tx.grown)}, nil
}

// Undo takes back what was written and emitted since. The tables that were touched stay so.
func (s Savepoint) Undo() error {
	clear(s.tx.changes[s.changes:])
	s.tx.changes, s.tx.grown = s.tx.changes[:s.changes], s.tx.grown[:s.grown]
	if err := exec(s.tx.w.control.undoPart); err != nil {
		return fmt.Errorf("go back to a savepoint: %w", err)
	}
	return s.Keep()
}

// Keep makes what was written since a part of what was before.
func (s Savepoint) Keep() error {
	if err := exec(s.tx.w.control.keepPart); err != nil {
		return fmt.Errorf("end a savepoint: %w", err)
	}
	return nil
}

// Changes returns the number of rows that the most recent INSERT, UPDATE or DELETE changed.
func (tx *Tx) Changes() int { return tx.w.conn.Changes() }

// Conn returns the connection itself, for what has no method here. Transaction control on it is forbidden; statements prepared on it must be finalised.
func (tx *Tx) Conn() *zsqlite.Conn {
	tx.wrote = true // it can no longer be known
	return tx.w.conn.Conn
}

// reset prepares tx for the next group. The changes belong to whoever got them.
func (tx *Tx) reset() {
	tx.changes, tx.grown = nil, tx.grown[:0]
	tx.wrote = false
	clear(tx.touched)
}

// nothing says that the group was rolled back. What was touched stays so.
func (tx *Tx) nothing() { tx.changes, tx.grown = nil, tx.grown[:0] }

// Bind binds args to the parameters 1, 2, … of s: nil, bool, integers, float64, string or []byte.
func Bind(s *zsqlite.Stmt, args ...any) error {
	for i, a := range args {
		if err := bindOne(s, i+1, a); err != nil {
			return fmt.Errorf("bind parameter %d: %w", i+1, err)
		}
	}
	return nil
}

// bindOne is [Bind] for one parameter.
func bindOne(s *zsqlite.Stmt, p int, a any) error {
	switch a := a.(type) {
	case nil:
		s.BindNull(p)
	case string:
		s.BindText(p, a)
	case []byte:
		s.BindBytes(p, a)
	case int:
		s.BindInt64(p, int64(a))
	case int64:
		s.BindInt64(p, a)
	case uint64:
		s.BindInt64(p, int64(a))
	case float64:
		s.BindFloat(p, a)
	case bool:
		s.BindBool(p, a)
	default:
		return fmt.Errorf("type %T", a)
	}
	return nil
}
