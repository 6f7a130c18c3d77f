package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
	zsqlite "zombiezen.com/go/sqlite"
)

// maxConsoleRows is how many rows of a foreign statement are kept: they are for a person to look at.
const maxConsoleRows = 1000

// ErrEmptyQuery says that a text of SQL holds no statement.
var ErrEmptyQuery = errors.New("empty query")

// ConsoleResult is what SQL that we did not write gave: rows of its last statement that reads, and how many rows its last
// statement that writes changed.
type ConsoleResult struct {
	Columns  []ConsoleColumn
	Rows     [][]*string // values as text, nil for NULL
	Affected int
}

// ConsoleColumn is a column of a result. Type is the declared type of the table's column, "" for an expression.
type ConsoleColumn struct{ Name, Type string }

// readablePragmas tell something and change nothing when they have no argument; those that need one are in
// describingPragmas.
var (
	readablePragmas = []string{"application_id", "auto_vacuum", "cache_size", "collation_list", "compile_options", "data_version", "database_list",
		"encoding", "foreign_keys", "freelist_count", "function_list", "journal_mode", "journal_size_limit", "module_list", "page_count", "page_size",
		"pragma_list", "schema_version", "synchronous", "table_list", "temp_store", "user_version"}
	describingPragmas = []string{"foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo", "integrity_check", "quick_check",
		"table_info", "table_list", "table_xinfo"}
)

// ownTables is the prefix of the tables that belong to the engine itself.
const ownTables = "_troupe_"

// consoleGuard is the authorizer of SQL that we did not write. It refuses what could leave the connection changed: transaction
// control, other files, pragmas that set something, the engine's own tables. It notes which tables are written.
type consoleGuard struct {
	written map[string]struct{}
	// extension refuses what only a superuser may do as well.
	extension bool
	// rekeyed are the tables that get rows, or rows of which get another id.
	rekeyed map[string]struct{}
	// secret and fixed are those of the extension's query.
	secret, fixed map[string][]string
}

// Authorize implements zsqlite.Authorizer.
func (g *consoleGuard) Authorize(a zsqlite.Action) zsqlite.AuthResult {
	if g.extension && g.authorizeExtension(a) != zsqlite.AuthResultOK {
		return zsqlite.AuthResultDeny
	}
	switch a.Type() {
	case zsqlite.OpTransaction, zsqlite.OpSavepoint, zsqlite.OpAttach, zsqlite.OpDetach:
		return zsqlite.AuthResultDeny
	case zsqlite.OpPragma:
		name := strings.ToLower(a.Pragma())
		if slices.Contains(describingPragmas, name) || a.PragmaArg() == "" && slices.Contains(readablePragmas, name) {
			return zsqlite.AuthResultOK
		}
		return zsqlite.AuthResultDeny
	case zsqlite.OpInsert, zsqlite.OpUpdate, zsqlite.OpDelete, zsqlite.OpDropTable, zsqlite.OpAlterTable:
		if strings.HasPrefix(strings.ToLower(a.Table()), ownTables) {
			return zsqlite.AuthResultDeny
		}
		g.written[a.Table()] = struct{}{}
		if g.rekeyed != nil && (a.Type() == zsqlite.OpInsert || a.Type() == zsqlite.OpUpdate && strings.EqualFold(a.Column(), "id")) {
			g.rekeyed[a.Table()] = struct{}{}
		}
	}
	return zsqlite.AuthResultOK
}

// Console runs SQL that we did not write on a Reader. The error's text is meant for the operator.
func (r *Reader) Console(sql string) (*ConsoleResult, error) {
	return r.conn.console(sql, &consoleGuard{written: make(map[string]struct{})})
}

// Console runs SQL that we did not write in the transaction of a unit that is alone, and raises the versions of what it
// wrote. It ends with the time limit of ctx.
func (tx *Tx) Console(ctx context.Context, sql string) (*ConsoleResult, error) {
	tx.wrote = true
	g := &consoleGuard{written: make(map[string]struct{})}
	was := tx.w.conn.SetInterrupt(ctx.Done())
	defer tx.w.conn.SetInterrupt(was)
	out, err := tx.w.conn.console(sql, g)
	for table := range g.written {
		tx.Touch(table)
	}
	return out, err
}

// console runs statement after statement under an authorizer.
func (c *connection) console(sql string, g *consoleGuard) (out *ConsoleResult, err error) {
	if err := c.SetAuthorizer(g); err != nil {
		return nil, fmt.Errorf("guard foreign sql: %w", err)
	}
	defer func() { err = errors.Join(err, c.SetAuthorizer(nil)) }()
	out = &ConsoleResult{}
	statements := 0
	for strings.TrimSpace(sql) != "" {
		stmt, trailing, err := c.PrepareTransient(sql)
		if err != nil {
			return nil, err
		}
		sql = sql[len(sql)-trailing:]
		if handle, err := handleOf(stmt); err != nil {
			return nil, err
		} else if handle == 0 {
			continue // nothing but blanks and comments before the next semicolon
		}
		statements++
		if err := errors.Join(c.consoleStatement(stmt, out), stmt.Finalize()); err != nil {
			return nil, err
		}
	}
	if statements == 0 {
		return nil, ErrEmptyQuery
	}
	return out, nil
}

// consoleStatement runs one statement to its end and keeps what it gave.
func (c *connection) consoleStatement(stmt *zsqlite.Stmt, out *ConsoleResult) error {
	before := lib.Xsqlite3_total_changes(c.tls, c.db)
	out.Columns, out.Rows = nil, nil
	for i := range stmt.ColumnCount() {
		out.Columns = append(out.Columns, ConsoleColumn{Name: stmt.ColumnName(i), Type: c.declaredType(stmt, i)})
	}
	for {
		more, err := stmt.Step()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if len(out.Rows) >= maxConsoleRows {
			break
		}
		row := make([]*string, stmt.ColumnCount())
		for i := range row {
			if !stmt.ColumnIsNull(i) {
				text := stmt.ColumnText(i)
				row[i] = &text
			}
		}
		out.Rows = append(out.Rows, row)
	}
	if lib.Xsqlite3_total_changes(c.tls, c.db) != before {
		out.Affected = c.Changes()
	}
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
