package sqlite

import (
	"fmt"

	zsqlite "zombiezen.com/go/sqlite"
)

// The table `_troupe_commits` holds one row: the number of the last group and of the last change. It is written in each group, so that the file itself
// answers whether a group is in it, and so that numbers go on after a restart.
const (
	createCommits = "CREATE TABLE IF NOT EXISTS `_troupe_commits` (`id` INTEGER PRIMARY KEY CHECK (`id` = 1), `group` INTEGER NOT NULL, `seq` INTEGER NOT NULL)"
	insertCommits = "INSERT OR IGNORE INTO `_troupe_commits` VALUES (1, 0, 0)"
	updateCommits = "INSERT INTO `_troupe_commits` VALUES (1, ?1, ?2) ON CONFLICT (`id`) DO UPDATE SET `group` = excluded.`group`, `seq` = excluded.`seq`"
	selectCommits = "SELECT `group`, `seq` FROM `_troupe_commits` WHERE `id` = 1"
)

// control are the Writer's own statements, prepared once per connection. None of them leaves anything to reset.
type control struct {
	begin, commit, rollback, savepoint, release, rollbackTo *zsqlite.Stmt
	part, keepPart, undoPart                                *zsqlite.Stmt // a unit's own savepoints
	dataVersion, update, last                               *zsqlite.Stmt
}

func (c *control) prepare(conn *connection) error {
	for _, p := range []struct {
		stmt **zsqlite.Stmt
		sql  string
	}{
		{&c.begin, "BEGIN IMMEDIATE"},
		{&c.commit, "COMMIT"},
		{&c.rollback, "ROLLBACK"},
		{&c.savepoint, "SAVEPOINT `unit`"},
		{&c.release, "RELEASE `unit`"},
		{&c.rollbackTo, "ROLLBACK TO `unit`"},
		{&c.part, "SAVEPOINT `part`"},
		{&c.keepPart, "RELEASE `part`"},
		{&c.undoPart, "ROLLBACK TO `part`"},
		{&c.dataVersion, "PRAGMA data_version"},
		{&c.update, updateCommits},
		{&c.last, selectCommits},
	} {
		stmt, err := conn.Conn.Prepare(p.sql) // finalised by the connection's Close
		if err != nil {
			return err
		}
		*p.stmt = stmt
	}
	return nil
}

// exec steps a statement without rows. The library resets it when it fails.
func exec(s *zsqlite.Stmt) error {
	_, err := s.Step()
	return err
}

// row steps a statement with one row, reads it and resets the statement.
func row(s *zsqlite.Stmt, read func()) error {
	found, err := s.Step()
	if err != nil {
		return err
	}
	if found {
		read()
	}
	if err := s.Reset(); err != nil {
		return err
	}
	if !found {
		return fmt.Errorf("no row")
	}
	return nil
}

// lookDataVersion asks whether another process wrote: the value moves only then, on one and the same connection.
func (w *writer) lookDataVersion() (v int64, err error) {
	err = row(w.control.dataVersion, func() { v = w.control.dataVersion.ColumnInt64(0) })
	if err != nil {
		return 0, fmt.Errorf("look for foreign writes: %w", err)
	}
	return v, nil
}

// lookCommits reads the numbers of the last group and the last change in the file.
func (w *writer) lookCommits() (group, seq uint64, err error) {
	err = row(w.control.last, func() {
		group, seq = uint64(w.control.last.ColumnInt64(0)), uint64(w.control.last.ColumnInt64(1))
	})
	if err != nil {
		return 0, 0, fmt.Errorf("read _troupe_commits: %w", err)
	}
	return group, seq, nil
}

// noteCommit writes the group's number and its last change's into the open transaction.
func (w *writer) noteCommit(group, seq uint64) error {
	w.control.update.BindInt64(1, int64(group))
	w.control.update.BindInt64(2, int64(seq))
	if err := exec(w.control.update); err != nil {
		return fmt.Errorf("write _troupe_commits: %w", err)
	}
	return w.control.update.Reset() // parameters can be bound to a reset statement only
}
