package schema

import (
	"fmt"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

const selectRows = "SELECT `id`, `system`, `type`, `name`, `fields`, `indexes`, `listRule`, `viewRule`, `createRule`," +
	" `updateRule`, `deleteRule`, `options`, `created`, `updated` FROM `_collections` ORDER BY rowid"

// Load returns all collections in the order of their rows. It fails at the first row that cannot be read.
func Load(conn *sqlite.Conn) ([]*Collection, error) {
	var list []*Collection
	err := sqlitex.ExecuteTransient(conn, selectRows, &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			c, err := fromRow(scanRow(stmt))
			if err != nil {
				return err
			}
			list = append(list, c)
			return nil
		},
	})
	if err != nil {
		return nil, fmt.Errorf("load collections: %w", err)
	}
	return list, nil
}

func scanRow(stmt *sqlite.Stmt) row {
	rule := func(col int) *string {
		if stmt.ColumnIsNull(col) {
			return nil
		}
		text := stmt.ColumnText(col)
		return &text
	}
	return row{
		ID: stmt.ColumnText(0), System: stmt.ColumnInt(1) != 0, Type: stmt.ColumnText(2), Name: stmt.ColumnText(3),
		Fields: stmt.ColumnText(4), Indexes: stmt.ColumnText(5),
		ListRule: rule(6), ViewRule: rule(7), CreateRule: rule(8), UpdateRule: rule(9), DeleteRule: rule(10),
		Options: stmt.ColumnText(11), Created: stmt.ColumnText(12), Updated: stmt.ColumnText(13),
	}
}

func (r row) args() []any {
	rule := func(p *string) any {
		if p == nil {
			return nil
		}
		return *p
	}
	return []any{
		r.ID, r.System, r.Type, r.Name, r.Fields, r.Indexes,
		rule(r.ListRule), rule(r.ViewRule), rule(r.CreateRule), rule(r.UpdateRule), rule(r.DeleteRule),
		r.Options, r.Created, r.Updated,
	}
}

func insertRow(conn *sqlite.Conn, c *Collection) error {
	err := exec(conn, "INSERT INTO `_collections` (`id`, `system`, `type`, `name`, `fields`, `indexes`, `listRule`,"+
		" `viewRule`, `createRule`, `updateRule`, `deleteRule`, `options`, `created`, `updated`)"+
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)", c.row().args()...)
	if err != nil {
		return fmt.Errorf("failed to store collection %s - %w", c.Name, err)
	}
	return nil
}

func updateRow(conn *sqlite.Conn, c *Collection) error {
	err := exec(conn, "UPDATE `_collections` SET `system` = ?2, `type` = ?3, `name` = ?4, `fields` = ?5, `indexes` = ?6,"+
		" `listRule` = ?7, `viewRule` = ?8, `createRule` = ?9, `updateRule` = ?10, `deleteRule` = ?11, `options` = ?12,"+
		" `created` = ?13, `updated` = ?14 WHERE `id` = ?1", c.row().args()...)
	if err != nil {
		return fmt.Errorf("failed to store collection %s - %w", c.Name, err)
	}
	return nil
}

// write stores a normalised collection: the row, and the table or view behind it.
func write(conn *sqlite.Conn, c, stored *Collection) error {
	store := updateRow
	if stored == nil {
		store = insertRow
	}
	if c.Type == View {
		if err := createView(conn, c, stored); err != nil {
			return err
		}
		return store(conn, c)
	}
	if err := store(conn, c); err != nil {
		return err
	}
	if stored == nil {
		return createTable(conn, c)
	}
	return alterTable(conn, c, stored)
}

// Install stores a collection of a fresh database as it is: row, table and indexes. It belongs to the caller's
// transaction.
func Install(conn *sqlite.Conn, c *Collection) error { return write(conn, c, nil) }

// RowsCollection describes the table _collections itself as far as clients may filter and sort it. It is no
// collection that anybody can use otherwise.
func RowsCollection() *Collection {
	text := func(name string) Field {
		return &TextField{Common: Common{ID: generateFieldID("text", name), Name: name}}
	}
	c := &Collection{Name: "_collections", Type: Base, System: true, Fields: []Field{
		text("id"), text("created"), text("updated"), text("name"),
		&BoolField{Common: Common{ID: generateFieldID("bool", "system"), Name: "system"}}, text("type"),
	}}
	c.buildIndex()
	return c
}
