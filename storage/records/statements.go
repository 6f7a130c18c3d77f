package records

import (
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// statements are the texts that write one collection. The fields are bound in their order, then the id.
type statements struct {
	load, insert, update, remove string
}

func newStatements(c *schema.Collection) *statements {
	columns := make([]string, len(c.Fields))
	marks := make([]string, len(c.Fields))
	sets := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		columns[i] = sqlite.QuoteName(f.Base().Name)
		marks[i] = "?"
		sets[i] = columns[i] + " = ?"
	}
	table := sqlite.QuoteName(c.Name)
	return &statements{
		load:   "SELECT " + allColumns(c) + " FROM " + table + " WHERE `id` = ?",
		insert: "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")",
		update: "UPDATE " + table + " SET " + strings.Join(sets, ", ") + " WHERE `id` = ?",
		remove: "DELETE FROM " + table + " WHERE `id` IN (SELECT value FROM json_each(?))",
	}
}

func (pc *planCache) statementsOf(c *schema.Collection) *statements {
	pc.mu.RLock()
	st := pc.statements[c.ID]
	pc.mu.RUnlock()
	if st != nil {
		return st
	}
	st = newStatements(c)
	pc.mu.Lock()
	pc.statements[c.ID] = st
	pc.mu.Unlock()
	return st
}

// write runs an INSERT, or the UPDATE of the record with that id, with all values of a record.
func write(tx *sqlite.Tx, sql string, r *Record, id string) error {
	stmt, err := tx.Prepare(sql)
	if missingColumn(err) {
		return fmt.Errorf("%w: %w", ErrTable, err)
	}
	if err != nil {
		return fmt.Errorf("write to %s: %w", r.Collection.Name, err)
	}
	for i, f := range r.Collection.Fields {
		f.Bind(stmt, i+1, r.Values[i])
	}
	effect := sqlite.Adds
	if id != "" {
		stmt.BindText(len(r.Collection.Fields)+1, id)
		effect = sqlite.Keeps
	}
	return tx.Run(stmt, r.Collection.Name, effect)
}

// load reads a record in the Writer's transaction. It fails with [ErrNotFound].
func (s *Store) load(p Preparer, pc *planCache, c *schema.Collection, id string) (*Record, error) {
	stmt, err := p.Prepare(pc.statementsOf(c).load)
	if missingColumn(err) {
		return nil, fmt.Errorf("%w: %w", ErrTable, err)
	}
	if err != nil {
		return nil, fmt.Errorf("load from %s: %w", c.Name, err)
	}
	stmt.BindText(1, id)
	found, err := stmt.Step()
	if err != nil {
		return nil, fmt.Errorf("load from %s: %w", c.Name, err)
	}
	if !found {
		return nil, ErrNotFound
	}
	r, err := scan(c, stmt, 0)
	if rerr := stmt.Reset(); err == nil && rerr != nil {
		err = rerr
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return r, nil
}
