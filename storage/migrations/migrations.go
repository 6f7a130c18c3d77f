// Package migrations makes the tables of a fresh data directory and checks those of an existing one.
//
// Start at [Bootstrap]. What it writes is the format of PocketBase 0.23 and later, byte for byte where that program
// looks: it opens the directory afterwards. Tables of our own (those with the prefix _troupe_) are made by the packages
// that use them.
package migrations

import (
	_ "embed"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
)

// dataTables and logTables are written as the reference writes them, defaults in double quotes included.
var (
	//go:embed data.sql
	dataTables string
	//go:embed auxiliary.sql
	logTables string
)

// ErrTooOld is returned for a data directory from before version 0.23, whose upgrade needs the program that made it.
var ErrTooOld = errors.New("the data directory was made by a version before 0.23: open it once with PocketBase 0.23 or later")

// History is what the table _migrations of a complete directory holds at least, in the order of a fresh one.
func History() []string {
	return []string{
		"1640988000_aux_init.go",
		"1640988000_init.go",
		"1717233556_v0.23_migrate.go",
		"1717233557_v0.23_migrate2.go",
		"1717233558_v0.23_migrate3.go",
		"1717233559_v0.23_migrate4.go",
		"1763020353_update_default_auth_alert_templates.go",
		"1778828400_normalize_indexes.go",
	}
}

// Bootstrap makes the tables and rows of a fresh data directory, or checks an existing one and adds what an older
// version left out. data is a connection to data.db and aux one to auxiliary.db; each is changed in a savepoint. Nothing is
// changed when an error is returned, except for the tables of aux, which may be there alone.
func Bootstrap(data, aux *sqlite.Conn, now time.Time) error {
	if err := bootstrapLogs(aux); err != nil {
		return fmt.Errorf("bootstrap auxiliary.db: %w", err)
	}
	if err := bootstrapData(data, now); err != nil {
		return fmt.Errorf("bootstrap data.db: %w", err)
	}
	return nil
}

func bootstrapData(conn *sqlite.Conn, now time.Time) (err error) {
	fresh, err := isFresh(conn)
	if err != nil {
		return err
	}
	defer sqlitex.Save(conn)(&err)
	if fresh {
		if err := createTables(conn, now); err != nil {
			return err
		}
	}
	if err := renewAlerts(conn, oldAlert, now.UnixMicro()); err != nil {
		return err
	}
	return settings.Ensure(conn, now)
}

// isFresh tells whether the tables are still to be made, and refuses a directory that it cannot work with.
func isFresh(conn *sqlite.Conn) (bool, error) {
	var names []string
	err := sqlitex.ExecuteTransient(conn, "SELECT lower(name) FROM sqlite_master WHERE type = 'table'", &sqlitex.ExecOptions{
		ResultFunc: func(stmt *sqlite.Stmt) error {
			names = append(names, stmt.ColumnText(0))
			return nil
		},
	})
	if err != nil {
		return false, fmt.Errorf("read tables: %w", err)
	}
	has := map[string]bool{}
	for _, name := range names {
		has[name] = true
	}
	switch {
	case has["_admins"]:
		return false, ErrTooOld
	case !has["_params"] && !has["_collections"]:
		return true, nil // a start that was cut short may have left _migrations
	case !has["_params"] || !has["_collections"]:
		return false, errors.New("the tables _params and _collections belong together, one of them is missing")
	case !has["_mfas"] || !has["_authorigins"]:
		return false, ErrTooOld
	}
	return false, checkHistory(conn, has["_migrations"])
}

// checkHistory refuses a directory that the program that made it would refuse.
func checkHistory(conn *sqlite.Conn, exists bool) error {
	found := false
	if exists {
		err := sqlitex.ExecuteTransient(conn, "SELECT 1 FROM _migrations WHERE file = '1640988000_init.go'", &sqlitex.ExecOptions{
			ResultFunc: func(*sqlite.Stmt) error {
				found = true
				return nil
			},
		})
		if err != nil {
			return fmt.Errorf("read migrations: %w", err)
		}
	}
	if !found {
		return errors.New("failed to apply migration 1640988000_init.go: _params exec error: table `_params` already exists")
	}
	return nil
}

func createTables(conn *sqlite.Conn, now time.Time) error {
	if err := sqlitex.ExecuteScript(conn, dataTables, nil); err != nil {
		return fmt.Errorf("create tables: %w", err)
	}
	moment := schema.FormatDate(now)
	for _, c := range schema.DefaultCollections() {
		c.Created, c.Updated = moment, moment
		if err := schema.Install(conn, c); err != nil {
			return fmt.Errorf("create collection %s: %w", c.Name, err)
		}
	}
	for _, file := range History() {
		err := sqlitex.ExecuteTransient(conn, "INSERT INTO _migrations (file, applied) VALUES (?1, ?2)",
			&sqlitex.ExecOptions{Args: []any{file, now.UnixMicro()}})
		if err != nil {
			return fmt.Errorf("record migration %s: %w", file, err)
		}
	}
	return nil
}

func bootstrapLogs(conn *sqlite.Conn) (err error) {
	exists := false
	err = sqlitex.ExecuteTransient(conn, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_logs'",
		&sqlitex.ExecOptions{ResultFunc: func(*sqlite.Stmt) error {
			exists = true
			return nil
		}})
	if err != nil || exists {
		return err
	}
	defer sqlitex.Save(conn)(&err)
	return sqlitex.ExecuteScript(conn, logTables, nil)
}
