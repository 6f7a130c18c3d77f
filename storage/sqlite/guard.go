package sqlite

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"
)

// What SQL that we did not write may do. It runs on the connections that everybody's statements run on, so nothing may be left there that changes what
// those mean: no other files, no temporary tables, views, triggers or indexes, which would come before the ones of the same name in the file, no settings.
// The tables of the engine itself are neither written nor built upon.

// ownTables is the prefix of the tables that belong to the engine itself.
const ownTables = "_troupe_"

// readablePragmas tell something and change nothing when they have no argument; those that need one are in
// describingPragmas.
var (
	readablePragmas = []string{"application_id", "auto_vacuum", "cache_size", "collation_list", "compile_options", "data_version", "database_list",
		"encoding", "foreign_keys", "freelist_count", "function_list", "journal_mode", "journal_size_limit", "module_list", "page_count", "page_size",
		"pragma_list", "schema_version", "synchronous", "table_list", "temp_store", "user_version"}
	describingPragmas = []string{"foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo", "integrity_check", "quick_check",
		"table_info", "table_list", "table_xinfo"}
)

var (
	// modules are what virtual tables are made with. The others show the engine's inside or the file's pages.
	modules = []string{"fts3", "fts4", "fts5", "fts5vocab", "geopoly", "rtree", "rtree_i32"}
	// configuringFunctions change the connection.
	configuringFunctions = []string{"load_extension", "fts3_tokenizer"}
)

// consoleGuard is the authorizer of SQL that we did not write. It notes which tables are written.
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
	if g.allows(a) && (!g.extension || g.extensionAllows(a)) {
		return zsqlite.AuthResultOK
	}
	return zsqlite.AuthResultDeny
}

// allows names every action that SQLite has. What a later version adds is refused until somebody has thought about it.
func (g *consoleGuard) allows(a zsqlite.Action) bool {
	switch a.Type() {
	case zsqlite.OpSelect, zsqlite.OpRead, zsqlite.OpRecursive:
		return true
	case zsqlite.OpFunction:
		return !slices.Contains(configuringFunctions, strings.ToLower(functionOf(a)))
	case zsqlite.OpPragma:
		name := strings.ToLower(a.Pragma())
		return slices.Contains(describingPragmas, name) || a.PragmaArg() == "" && slices.Contains(readablePragmas, name)
	case zsqlite.OpInsert, zsqlite.OpUpdate, zsqlite.OpDelete:
		return g.allowsWriting(a)
	case zsqlite.OpCreateTable, zsqlite.OpCreateIndex, zsqlite.OpCreateView, zsqlite.OpCreateTrigger, zsqlite.OpCreateVTable,
		zsqlite.OpDropTable, zsqlite.OpDropIndex, zsqlite.OpDropView, zsqlite.OpDropTrigger, zsqlite.OpDropVTable,
		zsqlite.OpAlterTable, zsqlite.OpReindex, zsqlite.OpAnalyze:
		return g.allowsDefining(a)
	case zsqlite.OpCreateTempTable, zsqlite.OpCreateTempIndex, zsqlite.OpCreateTempView, zsqlite.OpCreateTempTrigger,
		zsqlite.OpDropTempTable, zsqlite.OpDropTempIndex, zsqlite.OpDropTempView, zsqlite.OpDropTempTrigger,
		zsqlite.OpTransaction, zsqlite.OpSavepoint, zsqlite.OpAttach, zsqlite.OpDetach, zsqlite.OpCopy:
		return false
	}
	return false
}

// functionOf is the name of the function that is used, which zombiezen does not show. Where another version of it keeps that elsewhere, the name is
// empty and configuring functions are refused by SQLite alone.
func functionOf(a zsqlite.Action) string { return reflect.ValueOf(a).FieldByName("arg2").String() }

func (g *consoleGuard) allowsWriting(a zsqlite.Action) bool {
	table := strings.ToLower(a.Table())
	if strings.HasPrefix(table, ownTables) || table == "sqlite_dbpage" {
		return false
	}
	if a.Database() == "temp" && !strings.HasPrefix(table, "sqlite_") { // ALTER TABLE looks for what it renames in its own tables there, too
		return false
	}
	g.written[a.Table()] = struct{}{}
	if g.rekeyed != nil && (a.Type() == zsqlite.OpInsert || a.Type() == zsqlite.OpUpdate && strings.EqualFold(a.Column(), "id")) {
		g.rekeyed[a.Table()] = struct{}{}
	}
	return true
}

func (g *consoleGuard) allowsDefining(a zsqlite.Action) bool {
	own := strings.HasPrefix(strings.ToLower(a.Table()), ownTables)
	if a.Database() == "temp" || own && a.Type() != zsqlite.OpAnalyze { // of all tables
		return false
	}
	switch a.Type() {
	case zsqlite.OpCreateVTable:
		return slices.Contains(modules, strings.ToLower(a.Module()))
	case zsqlite.OpDropTable, zsqlite.OpAlterTable:
		g.written[a.Table()] = struct{}{}
	}
	return true
}

// selectOwn is all that the schema says of the engine's own tables: their definitions, and whatever else names them, such as a trigger that writes them or
// a key that refers to them. A name has only one spelling in SQL.
const selectOwn = `SELECT group_concat(type || ' ' || name || ' ' || tbl_name || ' ' || ifnull(sql, ''), char(10)) FROM
	(SELECT * FROM main.sqlite_schema WHERE name LIKE '%$_troupe$_%' ESCAPE '$' OR tbl_name LIKE '%$_troupe$_%' ESCAPE '$' OR sql LIKE '%$_troupe$_%' ESCAPE '$' ORDER BY type, name)`

// keepsSchema runs f, which runs SQL that we did not write in the open transaction, and refuses what it did when it built on the engine's own
// tables or left something temporary. Of a trigger that is temporary by its name alone (CREATE TRIGGER temp.x) the authorizer is not told.
func (c *connection) keepsSchema(f func() error) error {
	var before, after string
	if err := c.queryRow(selectOwn, func(s *zsqlite.Stmt) { before = s.ColumnText(0) }); err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	if err := f(); err != nil {
		return err
	}
	if err := c.queryRow(selectOwn, func(s *zsqlite.Stmt) { after = s.ColumnText(0) }); err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	if after != before {
		return fmt.Errorf("%w: a definition that names a table of the engine itself (%s…)", ErrDenied, ownTables)
	}
	temporary := false
	if err := c.queryRow("SELECT 1 FROM temp.sqlite_schema LIMIT 1", func(*zsqlite.Stmt) { temporary = true }); err != nil {
		return fmt.Errorf("look at the schema: %w", err)
	}
	if temporary {
		return fmt.Errorf("%w: something temporary is left", ErrDenied)
	}
	return nil
}

// What SQL of extensions may not reach. It reads and writes the records of all collections, but is not told what somebody
// has chosen or been given to prove who they are, nor the settings.
var (
	// secretColumns are neither read nor set, whatever table or view they are in; [Query.Secret] names others.
	secretColumns = []string{"password", "tokenkey"}
	// secretTables are neither read nor written: the settings.
	secretTables = []string{"_params"}
	// definingTables have a column of options that holds token secrets.
	definingTables = []string{"_collections"}
	definingColumn = "options"
	// schemaTables are the tables of SQLite itself that are read; others hold pages or samples of all tables.
	schemaTables = []string{"sqlite_master", "sqlite_schema"}
)

// systemTables is the prefix of the tables of system collections and of those that hold definitions.
const systemTables = "_"

func newExtensionGuard(q *Query) *consoleGuard {
	return &consoleGuard{written: make(map[string]struct{}), rekeyed: make(map[string]struct{}), extension: true, secret: q.Secret, fixed: q.Fixed}
}

// keepsIdentities refuses a statement that puts rows into a table with secret columns or gives them another id: with REPLACE
// either gives somebody a password of the statement's choice. Such records are created with their checks or not at all.
func (c *connection) keepsIdentities(g *consoleGuard) error {
	for table := range g.rekeyed {
		secret, err := c.hasSecrets(table)
		if err != nil {
			return err
		}
		if secret || len(g.secret[strings.ToLower(table)]) > 0 {
			return fmt.Errorf("%w: rows of %s hold passwords and are created, replaced and renamed without SQL only", ErrDenied, table)
		}
	}
	return nil
}

func (c *connection) hasSecrets(table string) (yes bool, err error) {
	stmt, _, err := c.PrepareTransient("SELECT lower(name) FROM pragma_table_info(?)")
	if err != nil {
		return false, fmt.Errorf("look for columns of %s: %w", table, err)
	}
	defer func() { err = errors.Join(err, stmt.Finalize()) }()
	stmt.BindText(1, table)
	for {
		more, err := stmt.Step()
		if err != nil || !more {
			return yes, err
		}
		yes = yes || slices.Contains(secretColumns, stmt.ColumnText(0))
	}
}

// joinsSecrets tells whether a text may compare a secret column in a way that SQLite's authorizer is not asked about: the
// columns that NATURAL and USING join by. It need not understand the text, since a name has only one spelling in SQL.
func (q *Query) joinsSecrets() bool {
	sql := strings.ToLower(q.SQL)
	if !strings.Contains(sql, "natural") && !strings.Contains(sql, "using") {
		return false
	}
	for table, columns := range q.Secret {
		if strings.Contains(sql, table) || slices.ContainsFunc(columns, func(name string) bool { return strings.Contains(sql, name) }) {
			return true
		}
	}
	return slices.ContainsFunc(secretColumns, func(name string) bool { return strings.Contains(sql, name) })
}

// extensionAllows is what an extension may do of what a superuser may: everything is refused that is not named here, such as changes of the
// schema, which are the catalogue's business.
func (g *consoleGuard) extensionAllows(a zsqlite.Action) bool {
	table, column := strings.ToLower(a.Table()), strings.ToLower(a.Column())
	own := strings.HasPrefix(table, ownTables) || slices.Contains(secretTables, table)
	internal := strings.HasPrefix(table, "sqlite_")
	secret := slices.Contains(secretColumns, column) || slices.Contains(g.secret[table], column)
	switch a.Type() {
	case zsqlite.OpSelect, zsqlite.OpRecursive, zsqlite.OpFunction, zsqlite.OpPragma:
		return true
	case zsqlite.OpRead:
		return !own && !secret && (!internal || slices.Contains(schemaTables, table)) &&
			!(slices.Contains(definingTables, table) && column == definingColumn)
	case zsqlite.OpInsert, zsqlite.OpUpdate, zsqlite.OpDelete:
		// Tables of the system are written with their checks or not at all: a row in one of them may be a superuser.
		return !own && !internal && !strings.HasPrefix(table, systemTables) &&
			!(a.Type() == zsqlite.OpUpdate && (secret || slices.Contains(g.fixed[table], column)))
	}
	return false
}
