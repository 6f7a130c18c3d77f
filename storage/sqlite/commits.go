package sqlite

import (
	"cmp"
	"errors"
	"fmt"

	zsqlite "zombiezen.com/go/sqlite"
)

// The table `_troupe_commits` holds one row: the number of the last group and of the last change. It is written in each group, so that the file itself
// answers whether a group is in it, and so that numbers go on after a restart.
const (
	createCommits = "CREATE TABLE IF NOT EXISTS `main`.`_troupe_commits` (`id` INTEGER PRIMARY KEY CHECK (`id` = 1), `group` INTEGER NOT NULL, `seq` INTEGER NOT NULL)"
	dropCommits   = "DROP TABLE IF EXISTS `main`.`_troupe_commits`"
	updateCommits = "INSERT INTO `main`.`_troupe_commits` VALUES (1, ?1, ?2) ON CONFLICT (`id`) DO UPDATE SET `group` = excluded.`group`, `seq` = excluded.`seq`"
	selectCommits = "SELECT `group`, `seq` FROM `main`.`_troupe_commits` WHERE `id` = 1"
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

// row steps a statement with one row at most, reads it and resets the statement.
func row(s *zsqlite.Stmt, read func()) error {
	found, err := s.Step()
	if err != nil {
		return err
	}
	if found {
		read()
	}
	return s.Reset()
}

// lookDataVersion asks whether another process wrote: the value moves only then, on one and the same connection.
func (w *writer) lookDataVersion() (v int64, err error) {
	err = row(w.control.dataVersion, func() { v = w.control.dataVersion.ColumnInt64(0) })
	if err != nil {
		return 0, fmt.Errorf("look for foreign writes: %w", err)
	}
	return v, nil
}

// What another process may have done to the table of commits, beside dropping it.
var (
	errNoNumbers    = errors.New("_troupe_commits is empty")
	errNumbersLower = errors.New("_troupe_commits has lower numbers than before")
)

// lookCommits reads the numbers of the last group and the last change in the file.
func (w *writer) lookCommits() (group, seq uint64, err error) {
	found := false
	err = row(w.control.last, func() {
		found = true
		group, seq = uint64(w.control.last.ColumnInt64(0)), uint64(w.control.last.ColumnInt64(1))
	})
	if err == nil && !found {
		err = errNoNumbers
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read _troupe_commits: %w", err)
	}
	return group, seq, nil
}

// takeNumbers goes on from the numbers in the file, which another process may have moved, but never back: where they are lower or gone, those that
// the Writer knows are put there again.
func (w *writer) takeNumbers() error {
	group, seq, err := w.lookCommits()
	w.found = group
	switch {
	case err != nil && !errors.Is(err, errNoNumbers) && !isCode(err, zsqlite.ResultError):
		return err // the disk says so, not somebody's SQL
	case err != nil || group < w.inFile || seq < w.seq:
		if w.group > 0 {
			w.db.report("write the commit numbers again", cmp.Or(err, errNumbersLower))
		}
		return w.mendCommits()
	}
	w.group, w.seq, w.inFile = max(w.group, group), seq, group
	return nil
}

// mendCommits writes the numbers that the Writer knows, into a new table if need be, in the open transaction or in one of its own.
func (w *writer) mendCommits() error {
	if !w.conn.AutocommitEnabled() {
		return w.noteCommit(w.group, w.seq)
	}
	if err := exec(w.control.begin); err != nil {
		return err
	}
	err := w.noteCommit(w.group, w.seq)
	if err == nil {
		err = exec(w.control.commit)
	}
	if err != nil {
		w.rollback()
		return err
	}
	w.inFile = w.group
	return nil
}

// noteCommit writes the group's number and its last change's into the open transaction. If another process dropped or changed the table, it is made anew.
func (w *writer) noteCommit(group, seq uint64) error {
	err := w.updateCommits(group, seq)
	if isCode(err, zsqlite.ResultError) {
		err = w.conn.run(dropCommits)
		if err == nil {
			err = w.conn.run(createCommits)
		}
		if err == nil {
			err = w.updateCommits(group, seq)
		}
	}
	if err != nil {
		return fmt.Errorf("write _troupe_commits: %w", err)
	}
	return nil
}

func (w *writer) updateCommits(group, seq uint64) error {
	w.control.update.BindInt64(1, int64(group))
	w.control.update.BindInt64(2, int64(seq))
	if err := exec(w.control.update); err != nil {
		return err
	}
	return w.control.update.Reset() // parameters can be bound to a reset statement only
}
