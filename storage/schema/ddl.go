package schema

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	engine "github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// exec runs one statement outside of the statement cache of the connection, as no schema statement is used twice.
func exec(conn *sqlite.Conn, query string, args ...any) error {
	return engine.Told(sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{Args: args}))
}

// queryTexts returns the first column of all rows.
func queryTexts(conn *sqlite.Conn, query string, args ...any) ([]string, error) {
	var list []string
	err := sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{
		Args: args,
		ResultFunc: func(stmt *sqlite.Stmt) error {
			list = append(list, stmt.ColumnText(0))
			return nil
		},
	})
	return list, engine.Told(err)
}

// createTable makes the table of a base or auth collection and its indexes.
func createTable(conn *sqlite.Conn, c *Collection) error {
	fields := slices.Clone(c.Fields)
	slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Base().Name, b.Base().Name) })
	columns := make([]string, len(fields))
	for i, f := range fields {
		columns[i] = engine.QuoteName(f.Base().Name) + " " + f.Column()
	}
	query := "CREATE TABLE " + engine.QuoteName(c.Name) + " (" + strings.Join(columns, ", ") + ")"
	if err := exec(conn, query); err != nil {
		return fmt.Errorf("failed to create table %s - %w", c.Name, err)
	}
	return createIndexes(conn, c, nil)
}

// alterTable changes the table of stored into that of c, data included.
func alterTable(conn *sqlite.Conn, c, stored *Collection) error {
	renamed := !sameName(stored.Name, c.Name)
	if renamed {
		query := "ALTER TABLE " + engine.QuoteName(stored.Name) + " RENAME TO " + engine.QuoteName(c.Name)
		if err := exec(conn, query); err != nil {
			return fmt.Errorf("failed to rename table %s - %w", stored.Name, err)
		}
	}
	sameFields := bytes.Equal(appendFields(nil, stored.Fields), appendFields(nil, c.Fields))
	if !renamed && sameFields && slices.Equal(stored.Indexes, c.Indexes) {
		return nil
	}
	for _, text := range stored.Indexes {
		ix := ParseIndex(text)
		if ix.Table = stored.Name; !ix.Valid() {
			continue
		}
		if err := exec(conn, "DROP INDEX IF EXISTS "+engine.QuoteName(ix.Name)); err != nil {
			return fmt.Errorf("failed to drop index %s - %w", ix.Name, err)
		}
	}
	if !sameFields {
		if err := alterColumns(conn, c, stored); err != nil {
			return err
		}
	}
	return createIndexes(conn, c, stored)
}

// createIndexes builds all indexes of c in normal form and reports every one that cannot be built. Those of stored that are
// not understood stay what they are.
func createIndexes(conn *sqlite.Conn, c, stored *Collection) error {
	errs := validation.Errors{}
	for i, text := range c.Indexes {
		ix := ParseIndex(text)
		ix.Table = c.Name
		if !ix.Valid() {
			if !c.keeps(stored, text) {
				errs.Set(decimal(i), errInvalidIndex)
			}
			continue
		}
		if err := exec(conn, ix.String()); err != nil {
			errs.Set(decimal(i), validation.New(errInvalidIndex.Code,
				fmt.Sprintf("Failed to create index %s - %s.", ix.Name, err)))
		}
	}
	if len(errs) > 0 {
		return validation.Errors{"indexes": errs}
	}
	return nil
}

// alteration is the change of the columns of one table. Columns that get another name first get a temporary one, so
// that names can be swapped.
type alteration struct {
	conn  *sqlite.Conn
	table string
	// pending maps temporary names to the names that they end with, in order.
	pending [][2]string
}

func alterColumns(conn *sqlite.Conn, c, stored *Collection) error {
	a := &alteration{conn: conn, table: engine.QuoteName(c.Name)}
	for _, old := range stored.Fields {
		if c.fieldByID(old.Base().ID) != nil {
			continue
		}
		if err := a.run("DROP COLUMN " + engine.QuoteName(old.Base().Name)); err != nil {
			return fmt.Errorf("failed to drop column %s - %w", old.Base().Name, err)
		}
	}
	var converted [][2]Field
	for _, f := range c.Fields {
		old := stored.fieldByID(f.Base().ID)
		var err error
		switch {
		case old == nil:
			err = a.add(f)
		case old.Multiple() != f.Multiple():
			converted = append(converted, [2]Field{old, f})
		case old.Base().Name != f.Base().Name:
			err = a.rename(old.Base().Name, f.Base().Name)
		}
		if err != nil {
			return err
		}
	}
	if len(converted) > 0 {
		if err := a.convertAll(converted); err != nil {
			return err
		}
	}
	return a.finish(a.pending)
}

// finish gives columns the names that they end with.
func (a *alteration) finish(renames [][2]string) error {
	for _, r := range renames {
		if err := a.run("RENAME COLUMN " + engine.QuoteName(r[0]) + " TO " + engine.QuoteName(r[1])); err != nil {
			return fmt.Errorf("failed to rename column %s - %w", r[1], err)
		}
	}
	return nil
}

func (a *alteration) run(change string) error {
	return exec(a.conn, "ALTER TABLE "+a.table+" "+change)
}

func (a *alteration) temporary(name string) string {
	return "_tmp_" + randomText(8, "abcdefghijklmnopqrstuvwxyz") + "_" + name
}

func (a *alteration) add(f Field) error {
	name := f.Base().Name
	temp := a.temporary(name)
	if err := a.run("ADD COLUMN " + engine.QuoteName(temp) + " " + f.Column()); err != nil {
		return fmt.Errorf("failed to add column %s - %w", name, err)
	}
	a.pending = append(a.pending, [2]string{temp, name})
	return nil
}

func (a *alteration) rename(from, to string) error {
	temp := a.temporary(to)
	if err := a.run("RENAME COLUMN " + engine.QuoteName(from) + " TO " + engine.QuoteName(temp)); err != nil {
		return fmt.Errorf("failed to rename column %s - %w", from, err)
	}
	a.pending = append(a.pending, [2]string{temp, to})
	return nil
}

// convertAll re-creates columns that turn from one value to a list or back. Views must not see the gap, so they are
// taken away and put back as they were; one that does not answer any more fails the change.
func (a *alteration) convertAll(fields [][2]Field) error {
	views, err := dropViews(a.conn)
	if err != nil {
		return err
	}
	var renames [][2]string // once all the old columns are gone, so that names can be swapped here too
	for _, pair := range fields {
		temp, err := a.convert(pair[0], pair[1])
		if err != nil {
			return err
		}
		renames = append(renames, [2]string{temp, pair[1].Base().Name})
	}
	if err := a.finish(renames); err != nil {
		return err
	}
	return views.restore(a.conn)
}

// convert copies the values of a column into one of a temporary name, which it returns.
func (a *alteration) convert(old, f Field) (temp string, err error) {
	from := engine.QuoteName(old.Base().Name)
	name := f.Base().Name
	temp = a.temporary(name)
	if err := a.run("ADD COLUMN " + engine.QuoteName(temp) + " " + f.Column()); err != nil {
		return "", fmt.Errorf("failed to add column %s - %w", name, err)
	}
	value := "CASE WHEN COALESCE(%[1]s, '') = '' THEN '[]' WHEN json_valid(%[1]s) AND json_type(%[1]s) = 'array'" +
		" THEN %[1]s ELSE json_array(%[1]s) END"
	if !f.Multiple() {
		value = "CASE WHEN COALESCE(%[1]s, '') IN ('', '[]') THEN '' WHEN json_valid(%[1]s) AND json_type(%[1]s) = 'array'" +
			" THEN COALESCE(json_extract(%[1]s, '$[#-1]'), '') ELSE %[1]s END"
	}
	query := "UPDATE " + a.table + " SET " + engine.QuoteName(temp) + " = " + fmt.Sprintf(value, from)
	if err := exec(a.conn, query); err != nil {
		return "", fmt.Errorf("failed to convert column %s - %w", name, err)
	}
	if err := a.run("DROP COLUMN " + from); err != nil {
		return "", fmt.Errorf("failed to drop column %s - %w", old.Base().Name, err)
	}
	return temp, nil
}

// droppedViews remembers the views of a database while they are away.
type droppedViews struct {
	statements []string
	// working are those that answered before.
	working []string
}

func dropViews(conn *sqlite.Conn) (*droppedViews, error) {
	v := &droppedViews{}
	names, err := queryTexts(conn, "SELECT name FROM sqlite_master WHERE type = 'view' ORDER BY rowid")
	if err == nil {
		v.statements, err = queryTexts(conn, "SELECT sql FROM sqlite_master WHERE type = 'view' ORDER BY rowid")
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read views - %w", err)
	}
	for _, name := range names {
		if checkTable(conn, name) == nil {
			v.working = append(v.working, name)
		}
	}
	for _, name := range names {
		if err := exec(conn, "DROP VIEW "+engine.QuoteName(name)); err != nil {
			return nil, fmt.Errorf("failed to drop view %s - %w", name, err)
		}
	}
	return v, nil
}

func (v *droppedViews) restore(conn *sqlite.Conn) error {
	for _, statement := range v.statements {
		if err := exec(conn, statement); err != nil {
			return fmt.Errorf("failed to restore view - %w", err)
		}
	}
	for _, name := range v.working {
		if err := checkTable(conn, name); err != nil {
			return fmt.Errorf("failed to restore view %s - %w", name, err)
		}
	}
	return nil
}

// checkTable tells whether a table or view can be read; for a view that is whether its query still compiles.
func checkTable(conn *sqlite.Conn, name string) error {
	stmt, _, err := conn.PrepareTransient("SELECT * FROM " + engine.QuoteName(name) + " LIMIT 0")
	if err != nil {
		return err
	}
	return stmt.Finalize()
}

// tables answers the questions of a validation from the database.
type tables struct{ conn *sqlite.Conn }

func (t tables) internalTable(name string) (bool, error) {
	list, err := queryTexts(t.conn,
		"SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?1 COLLATE NOCASE", name)
	if err != nil {
		return false, fmt.Errorf("look for table %s: %w", name, err)
	}
	return len(list) > 0, nil
}

func (t tables) indexTable(name string) (string, error) {
	list, err := queryTexts(t.conn,
		"SELECT tbl_name FROM sqlite_master WHERE type = 'index' AND name = ?1 COLLATE NOCASE", name)
	if err != nil || len(list) == 0 {
		return "", err
	}
	return list[0], nil
}
