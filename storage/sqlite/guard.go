package sqlite

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	zsqlite "zombiezen.com/go/sqlite"
)

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

// authorizeExtension is consoleGuard's judgement of what an extension does beyond what a superuser may do: everything
// is refused that is not named here, such as changes of the schema, which are the catalogue's business.
func (g *consoleGuard) authorizeExtension(a zsqlite.Action) zsqlite.AuthResult {
	table, column := strings.ToLower(a.Table()), strings.ToLower(a.Column())
	own := strings.HasPrefix(table, ownTables) || slices.Contains(secretTables, table)
	internal := strings.HasPrefix(table, "sqlite_")
	secret := slices.Contains(secretColumns, column) || slices.Contains(g.secret[table], column)
	denied := true
	switch a.Type() {
	case zsqlite.OpSelect, zsqlite.OpRecursive, zsqlite.OpFunction, zsqlite.OpPragma:
		denied = false
	case zsqlite.OpRead:
		denied = own || secret || internal && !slices.Contains(schemaTables, table) ||
			slices.Contains(definingTables, table) && column == definingColumn
	case zsqlite.OpInsert, zsqlite.OpUpdate, zsqlite.OpDelete:
		// Tables of the system are written with their checks or not at all: a row in one of them may be a superuser.
		denied = own || internal || strings.HasPrefix(table, systemTables) || a.Type() == zsqlite.OpUpdate && (secret || slices.Contains(g.fixed[table], column))
	}
	if denied {
		return zsqlite.AuthResultDeny
	}
	return zsqlite.AuthResultOK
}
