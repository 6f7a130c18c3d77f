package records

import (
	"fmt"

	zsqlite "zombiezen.com/go/sqlite"
)

// CreateTables makes the tables of this package in a data file that does not have them.
func CreateTables(conn *zsqlite.Conn) error {
	for _, sql := range []string{createRemovals, createDeletion, createDeletionParts} {
		if err := createTable(conn, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

func createTable(conn *zsqlite.Conn, sql string) error {
	stmt, _, err := conn.PrepareTransient(sql)
	if err != nil {
		return err
	}
	defer stmt.Finalize()
	_, err = stmt.Step()
	return err
}
