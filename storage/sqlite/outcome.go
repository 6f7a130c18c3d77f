package sqlite

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	lib "modernc.org/sqlite/lib"
	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/internal/routine"
)

// A COMMIT that fails hides how it ended. Its frames may lie in the write-ahead log, whole and not yet counted by the log's index: the live database
// does not show them, but whoever rebuilds the index after a crash takes them for committed. And a sync that once failed says nothing about those
// frames when it succeeds later. So nothing is answered until one of two things is certain: the group counts, and all frames up to its last were
// written and synced once more; or other frames lie where its first one may be. If neither can be reached the outcome is unknown.

// How often and how patiently the Writer tries to open the file again after COMMIT failed in a way that hides its outcome.
const (
	reopenTries   = 5
	reopenPause   = 20 * time.Millisecond
	settleTimeout = time.Second // for another process to let go of the file: all writes wait meanwhile
)

// The layout of a write-ahead log: a header, then frames of a header and a page each.
const (
	logHeader   = 32
	frameHeader = 24
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
		w.db.report("Committing", routine.Guard(func() error { f(g); return nil }))
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
		w.db.report("swap the catalogue", routine.Guard(func() error { swap(); return nil }))
		w.conn.cache.clear() // what was prepared for the tables as they were
	}
	return err
}

// commitKnown commits and finds out how it ended when SQLite cannot say.
func (w *writer) commitKnown(group uint64) error {
	err := exec(w.control.commit)
	if err == nil {
		w.inFile = group
		if w.committed != nil {
			w.committed()
		}
		return nil
	}
	err = w.asFull(fmt.Errorf("commit: %w", err))
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

// asFull recognises a disk without room also where it shows in a sync, or where the log's index grows.
func (w *writer) asFull(err error) error {
	errno := syscall.Errno(lib.Xsqlite3_system_errno(w.conn.tls, w.conn.db))
	if isCode(err, zsqlite.ResultIOErr) && (errno == syscall.ENOSPC || errno == syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrDiskFull, err)
	}
	return Classify(err)
}

// lookAgain opens the file anew and makes certain whether the group is in it.
func (w *writer) lookAgain(group uint64) (written bool, err error) {
	w.group = group // used up: no other group may be taken for this one
	w.drop()
	for i := range reopenTries {
		if i > 0 {
			time.Sleep(w.pause << i)
		}
		if err = w.reopen(); err == nil {
			break
		}
	}
	if err != nil {
		return false, err
	}
	if w.found >= group {
		return true, nil
	}
	if err := w.overwrite(); err != nil {
		w.drop()
		return false, fmt.Errorf("overwrite what may have been written: %w", err)
	}
	return false, nil
}

// overwrite commits an empty group, synced, where the frames of the one that failed may be: each frame's checksum goes on from the one
// before, so nothing behind it counts any more.
func (w *writer) overwrite() error {
	if w.db.options.Sync == Normal {
		if err := w.conn.run("PRAGMA synchronous=" + Full.String()); err != nil {
			return err
		}
		defer func() { w.db.report("set synchronous", w.conn.run("PRAGMA synchronous="+Normal.String())) }()
	}
	if err := exec(w.control.begin); err != nil {
		return err
	}
	w.group++ // used up, whether it is written or not
	err := w.noteCommit(w.group, w.seq)
	if err == nil {
		err = exec(w.control.commit)
	}
	if err == nil {
		w.inFile = w.group
		return nil
	}
	if !w.conn.AutocommitEnabled() {
		err = errors.Join(err, exec(w.control.rollback))
	}
	if isCode(err, zsqlite.ResultFull) {
		// No room for one frame: then there is not one either.
		none, lookErr := w.logEndsWithCommit()
		if none {
			return nil
		}
		err = errors.Join(err, lookErr)
	}
	return err
}

// logEndsWithCommit reports whether the log's file is too short to hold a frame behind the last one that counts.
func (w *writer) logEndsWithCommit() (bool, error) {
	end, frame, err := w.logLength()
	if err != nil {
		return false, err
	}
	info, err := os.Stat(w.logPath())
	if err != nil {
		return false, err
	}
	return info.Size() < end+frame, nil
}

// logLength returns where the last frame that counts ends, and how long a frame is.
func (w *writer) logLength() (end, frame int64, err error) {
	var frames, page int64
	err = w.conn.queryRow("PRAGMA main.wal_checkpoint(NOOP)", func(s *zsqlite.Stmt) { frames = s.ColumnInt64(1) })
	if err == nil {
		err = w.conn.queryRow("PRAGMA main.page_size", func(s *zsqlite.Stmt) { page = s.ColumnInt64(0) })
	}
	if err != nil {
		return 0, 0, fmt.Errorf("look for the end of the log: %w", err)
	}
	frame = frameHeader + page
	return logHeader + max(frames, 0)*frame, frame, nil
}

func (w *writer) logPath() string { return w.db.options.Path + "-wal" }

// settleLog makes certain what was found in the log, if it is not: that nobody builds on frames that were not synced when they should have been, and
// that none comes back behind them.
func (w *writer) settleLog() error {
	if !w.unsettled {
		return nil
	}
	w.conn.SetBusyTimeout(settleTimeout)
	defer w.conn.SetBusyTimeout(busyTimeout)
	err := w.rewriteLog()
	if err == nil {
		err = w.overwrite()
	}
	if err != nil {
		return fmt.Errorf("settle the log: %w", err)
	}
	w.unsettled = false
	return nil
}

// rewriteLog writes the log over itself and syncs it. A sync is only sure to write what was written since the last one, also if that failed. The log must not be
// moved into the file before: where a frame is missing on the disk, what is before it would be laid over newer pages after a loss of power.
func (w *writer) rewriteLog() (err error) {
	end, _, err := w.logLength()
	if err != nil {
		return err
	}
	if err := exec(w.control.begin); err != nil { // nobody else writes or begins the log anew meanwhile
		return err
	}
	defer w.rollback()
	open := w.db.options.openLog
	if open == nil {
		open = openLog
	}
	f, err := open(w.logPath())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	buf := make([]byte, rewriteStep)
	for at := int64(0); at < end; {
		n, err := f.ReadAt(buf[:min(end-at, rewriteStep)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if n == 0 {
			break
		}
		if _, err := f.WriteAt(buf[:n], at); err != nil {
			return err
		}
		at += int64(n)
	}
	return f.Sync()
}

// rewriteStep is how much of the log is written over itself at once.
const rewriteStep = 1 << 20

// logFile is the file of the write-ahead log, which holds no locks of SQLite's; tests put it on the disk that fails.
type logFile interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error
}

func openLog(path string) (logFile, error) { return os.OpenFile(path, os.O_RDWR, 0) }
