package sqlite

import (
	"errors"
	"fmt"
	"time"

	zsqlite "zombiezen.com/go/sqlite"
)

// How often and how patiently the Writer tries to open the file again after COMMIT failed in a way that hides its outcome.
const (
	reopenTries = 5
	reopenPause = 20 * time.Millisecond
)

// finish commits the open transaction. On success the numbers have moved. On an error nothing was written, unless it is ErrOutcomeUnknown; no transaction is open then.
func (w *writer) finish(units []*Unit) error {
	group, seq := w.group+1, w.seq+uint64(len(w.tx.changes))
	if err := w.noteCommit(group, seq); err != nil {
		w.rollback()
		return err
	}
	if f := w.db.options.Committing; f != nil && len(w.tx.changes) > 0 {
		g := Group{Seq: w.seq + 1, Changes: w.tx.changes}
		w.db.report("Committing", guard(func() error { f(g); return nil }))
	}
	err := w.commitThrough(units[0].swap, group)
	if err == nil {
		w.group, w.seq = group, seq
	}
	return err
}

// commitThrough commits; a schema change does it behind the gate and replaces the catalogue before the gate opens.
func (w *writer) commitThrough(swap func(), group uint64) error {
	if swap == nil {
		return w.commitKnown(group)
	}
	w.db.gate.close()
	defer w.db.gate.open()
	err := w.commitKnown(group)
	if err == nil {
		w.db.moved()
		w.db.report("swap the catalogue", guard(func() error { swap(); return nil }))
		w.conn.cache.clear() // what was prepared for the tables as they were
	}
	return err
}

// commitKnown commits and finds out how it ended when SQLite cannot say.
func (w *writer) commitKnown(group uint64) error {
	err := w.commit(w)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("commit: %w", err)
	if !w.conn.AutocommitEnabled() && refused(err) {
		w.rollback()
		return err
	}
	written, lookErr := w.lookAgain(group)
	switch {
	case lookErr != nil:
		w.db.moved()
		return &unknownError{errors.Join(err, lookErr)}
	case written:
		return nil
	}
	return err
}

// refused reports whether a failed COMMIT certainly wrote nothing: SQLite turned it down and kept the transaction open.
func refused(err error) bool {
	switch zsqlite.ErrCode(err).ToPrimary() {
	case zsqlite.ResultConstraint, zsqlite.ResultBusy, zsqlite.ResultInterrupt, zsqlite.ResultLocked:
		return true
	}
	return false
}

// lookAgain opens the file anew and reports whether the group is in it. When it is not, whoever writes next overwrites what
// may have reached the log of it, so that it cannot come back.
func (w *writer) lookAgain(group uint64) (written bool, err error) {
	known := w.group
	w.drop()
	for i := range reopenTries {
		if i > 0 {
			time.Sleep(reopenPause << i)
		}
		if err = w.reopen(); err == nil {
			break
		}
	}
	if err != nil {
		return false, err
	}
	written = w.group >= group
	w.group = known
	return written, nil
}
