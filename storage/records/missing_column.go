package records

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite"
)

// ErrTable says that the table does not have the columns of the collection's fields: somebody else changed it. Reading
// goes on, writing fails.
var ErrTable = errors.New("the table does not match the fields of the collection")

// missingColumn tells whether a statement could not be prepared for the lack of a column.
func missingColumn(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "no such column") || strings.Contains(err.Error(), "has no column"))
}

// prepare returns the statement of the plan. Where the table or view lacks the column of a field, NULL takes its place,
// which reads as the zero value.
func (p *plan) prepare(on Preparer) (*zsqlite.Stmt, error) {
	if sql := p.tolerant.Load(); sql != nil {
		return on.Prepare(*sql)
	}
	stmt, err := on.Prepare(p.sql)
	if !missingColumn(err) {
		return stmt, err
	}
	there, tableErr := columnsOf(on, p.encoder.c.Name)
	if tableErr != nil {
		return nil, errors.Join(err, tableErr)
	}
	sql := p.sql
	prefix := sqlite.QuoteName(p.encoder.c.Name) + "."
	list, rest, _ := strings.Cut(sql, " FROM ")
	for _, column := range p.encoder.columns {
		name := strings.Trim(strings.TrimPrefix(column, prefix), "`")
		if !slices.ContainsFunc(there, func(s string) bool { return strings.EqualFold(s, name) }) {
			list = strings.ReplaceAll(list, column, "NULL")
		}
	}
	sql = list + " FROM " + rest
	if stmt, err = on.Prepare(sql); err == nil {
		p.tolerant.Store(&sql)
	}
	return stmt, err
}

// columnsOf lists the columns that a table or view really has.
func columnsOf(on Preparer, table string) ([]string, error) {
	stmt, err := on.Prepare("SELECT name FROM pragma_table_info(?)")
	if err != nil {
		return nil, fmt.Errorf("list columns of %s: %w", table, err)
	}
	stmt.BindText(1, table)
	var names []string
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, fmt.Errorf("list columns of %s: %w", table, err)
		}
		if !more {
			return names, nil
		}
		names = append(names, stmt.ColumnText(0))
	}
}
