package sqlite

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/internal/routine"
)

// writer is the goroutine that holds the connection that writes. Everything in it belongs to that goroutine, once it runs.
type writer struct {
	db      *DB
	conn    *connection // nil after an unknown outcome, until it can be opened again
	control control
	tx      Tx

	group, seq  uint64 // the last numbers that were used, also by a commit that failed
	inFile      uint64 // the group that is the last one in the file
	found       uint64 // what the file said when it was last asked
	unsettled   bool   // the log has to be settled before anything is written
	dataVersion int64

	look chan struct{} // the clock's reminder to look for foreign writes
	done chan struct{}

	pause time.Duration // before the file is opened again; tests do not wait

	// committed is for tests that look at what others see between a COMMIT and its publication.
	committed func()
}

func newWriter(db *DB) *writer {
	w := &writer{db: db, look: make(chan struct{}, 1), done: make(chan struct{}), pause: reopenPause}
	w.tx = Tx{w: w, touched: make(map[string]struct{})}
	return w
}

// open connects, makes sure that the commits table is there and goes on from the numbers in it.
func (w *writer) open() error {
	o := &w.db.options
	conn, err := connect(o.Path, o.Connect, writerPragmas(o.Sync)...)
	if err != nil {
		return err
	}
	w.conn = conn
	err = conn.run(createCommits)
	if err == nil {
		err = w.control.prepare(conn)
		if isCode(err, zsqlite.ResultError) { // somebody made another table of that name
			if err = errors.Join(conn.run(dropCommits), conn.run(createCommits)); err == nil {
				err = w.control.prepare(conn)
			}
		}
	}
	if err == nil {
		w.dataVersion, err = w.lookDataVersion()
	}
	if err == nil {
		err = w.takeNumbers()
	}
	if err != nil {
		w.drop()
		return fmt.Errorf("open %s: %w", o.Path, err)
	}
	return nil
}

// start opens the file for the first time. A log that is not empty is what a crash has left, and is settled. Where that fails, as while another process
// holds the file, reading works, and writing waits until it has succeeded.
func (w *writer) start() error {
	w.unsettled = w.db.logLeft()
	if err := w.open(); err != nil {
		return err
	}
	w.db.report("settle the log that a crash has left", w.settleLog())
	return nil
}

// reopen opens the file again if an unknown outcome closed it. Who wrote meanwhile cannot be known, so the next look finds the data moved.
func (w *writer) reopen() error {
	if w.conn == nil {
		before := w.inFile
		if err := w.open(); err != nil {
			return fmt.Errorf("%w: %w", ErrNotWritten, err)
		}
		w.dataVersion = movedVersion
		w.unsettled = w.unsettled || w.inFile != before
	}
	if err := w.settleLog(); err != nil {
		w.drop()
		return fmt.Errorf("%w: %w", ErrNotWritten, Classify(err))
	}
	return nil
}

// movedVersion differs from every value of PRAGMA data_version, which has 32 bits.
const movedVersion = -1

// run takes groups until the queue is closed and empty.
func (w *writer) run() {
	units := make([]*Unit, 0, maxGroupUnits)
	for {
		var open bool
		units, open = w.db.queue.take(units)
		switch {
		case len(units) > 0:
			several := len(units) > 1
			w.runTaken(units)
			if several {
				// Whoever was answered and comes again belongs into the next group, not into the one after it.
				runtime.Gosched()
			}
		case !open:
			close(w.done)
			return
		default:
			select {
			case <-w.db.queue.wake:
			case <-w.look:
				w.lookIdle()
			}
		}
	}
}

// runTaken drops the units that may not begin any more and runs the others.
func (w *writer) runTaken(units []*Unit) {
	if units[0].Shared && !units[0].Alone {
		w.runShared(units)
		clear(units)
		return
	}
	now := time.Now()
	begun := units[:0]
	for _, u := range units {
		switch {
		case u.expired(now) && u.remove():
			w.db.answer(u, ErrNotWritten)
		case u.begin():
			begun = append(begun, u)
		}
	}
	if len(begun) == 0 {
		return
	}
	if begun[0].outside != nil {
		w.runOutside(begun[0])
	} else {
		w.runGroup(begun)
	}
	clear(units)
}

// runOutside runs a unit of maintenance, without a transaction.
func (w *writer) runOutside(u *Unit) {
	if err := w.reopen(); err != nil {
		w.db.answer(u, err)
		return
	}
	err := routine.Guard(func() error { return u.outside(w.conn) })
	w.conn.cache.giveBack()
	if !w.conn.AutocommitEnabled() {
		err = errors.Join(err, exec(w.control.rollback))
	}
	w.db.answer(u, err)
}

// runGroup runs units in one transaction and answers them. When the transaction was lost, nothing of it was written, and each
// unit gets a transaction of its own: whoever broke it breaks only that.
func (w *writer) runGroup(units []*Unit) {
	lost := w.attempt(units)
	w.publish()
	if !lost {
		w.settle(units)
		return
	}
	for i := range units {
		one := units[i : i+1]
		w.attempt(one)
		w.publish()
		w.settle(one)
	}
}

// publish raises the versions of what was touched, whether it was committed or not, and counts what was.
func (w *writer) publish() {
	for t := range w.tx.touched {
		w.db.versions.table(t).writes.Add(1)
	}
	clear(w.tx.touched)
	for i := range w.tx.grown {
		if g := &w.tx.grown[i]; g.rewrites {
			w.db.versions.table(g.table).rewrites.Add(1)
		}
	}
	w.db.counts.publish(w.group, w.tx.grown)
	w.tx.grown = w.tx.grown[:0]
}

// settle tells of the group's changes, then answers its units.
func (w *writer) settle(units []*Unit) {
	if n := uint64(len(w.tx.changes)); n > 0 && w.db.options.Committed != nil {
		group := Group{Seq: w.seq - n + 1, Changes: w.tx.changes}
		w.db.report("Committed", routine.Guard(func() error { w.db.options.Committed(group); return nil }))
	}
	w.tx.reset()
	for _, u := range units {
		w.db.answer(u, u.err)
	}
}

// attempt runs units in one transaction and notes in each how it ended. It returns true when the transaction was lost, with nothing
// written, and the units have to be run again one by one. With a single unit it never does. Afterwards no transaction is open, and
// w.tx.changes holds what was committed.
func (w *writer) attempt(units []*Unit) (lost bool) {
	w.tx.reset()
	if err := w.beginGroup(); err != nil {
		for _, u := range units {
			u.err = err
		}
		return false
	}
	lost, _ = w.conclude(units, w.apply(units))
	return lost
}

// conclude commits what was applied in the open transaction, unless it is not whole any more. It does what [writer.attempt] says; why is the
// reason of a loss, nil where the units say it.
func (w *writer) conclude(units []*Unit, whole bool) (lost bool, why error) {
	if !whole {
		if w.conn.AutocommitEnabled() {
			w.db.moved() // what ran after the transaction was lost may have been committed by itself
		}
		w.tx.nothing()
		w.rollback()
		return len(units) > 1, nil
	}
	if !w.tx.wrote && len(w.tx.changes) == 0 {
		w.tx.nothing()
		w.rollback()
		return false, nil
	}
	err := w.finish(units)
	if err == nil {
		return false, nil
	}
	w.tx.nothing()
	if len(units) > 1 && !errors.Is(err, ErrOutcomeUnknown) {
		return true, err
	}
	for _, u := range units {
		if u.err == nil {
			u.err = err
		}
	}
	return false, nil
}

// beginGroup begins the transaction, after everything that other processes wrote was taken notice of.
func (w *writer) beginGroup() error {
	if err := w.reopen(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if err := exec(w.control.begin); err != nil {
			if isCode(err, zsqlite.ResultBusy) {
				return fmt.Errorf("%w: another process holds the file: %w", ErrBusy, err)
			}
			return fmt.Errorf("begin: %w", err)
		}
		v, err := w.lookDataVersion()
		if err != nil {
			w.rollback()
			return err
		}
		if v == w.dataVersion {
			return nil
		}
		if i == maxForeignLooks {
			w.foreign(v) // under the lock: whoever keeps writing has to wait now
			return nil
		}
		w.rollback()
		w.foreign(v)
	}
}

// foreign takes notice of another process's writes.
func (w *writer) foreign(v int64) {
	w.dataVersion = v
	w.db.moved()
	w.db.report("read the commit numbers", w.takeNumbers())
	if f := w.db.options.Foreign; f != nil {
		w.db.report("Foreign", routine.Guard(func() error { f(); return nil }))
	}
	w.db.gate.moved()
}

// lookIdle looks for foreign writes while there is nothing to do.
func (w *writer) lookIdle() {
	if w.conn == nil {
		return
	}
	v, err := w.lookDataVersion()
	if err != nil {
		w.db.report("look for foreign writes", err)
		return
	}
	if v != w.dataVersion {
		w.foreign(v)
	}
}

// apply runs the units in the open transaction, each in a savepoint; a single one needs none, because its failure ends the transaction anyway. It
// returns false when the transaction is gone or must go.
func (w *writer) apply(units []*Unit) bool {
	single := len(units) == 1
	for _, u := range units {
		if !w.applyIn(u, single) {
			return false
		}
	}
	return true
}

// applyIn is apply for one of the units.
func (w *writer) applyIn(u *Unit, single bool) bool {
	if !single && exec(w.control.savepoint) != nil {
		return false
	}
	changes, grown, wrote := len(w.tx.changes), len(w.tx.grown), w.tx.wrote
	u.err = w.applyOne(u)
	if w.conn.AutocommitEnabled() {
		if u.err == nil {
			u.err = errTransactionEnded
		}
		return false
	}
	if u.err != nil {
		if single {
			return false
		}
		clear(w.tx.changes[changes:])
		w.tx.changes, w.tx.grown, w.tx.wrote = w.tx.changes[:changes], w.tx.grown[:grown], wrote
		if exec(w.control.rollbackTo) != nil {
			return false
		}
	}
	return single || exec(w.control.release) == nil
}

func (w *writer) applyOne(u *Unit) error {
	err := routine.Guard(func() error { return u.Work.Apply(&w.tx) })
	w.conn.cache.giveBack()
	return err
}

// rollback ends the transaction if there still is one.
func (w *writer) rollback() {
	if w.conn.AutocommitEnabled() {
		return
	}
	if err := exec(w.control.rollback); err != nil {
		w.db.report("rollback", err)
		w.drop()
	}
}

// drop gives the connection up; the next group opens a new one.
func (w *writer) drop() {
	if w.unsettled {
		w.db.report("close the Writer's connection", w.conn.keepLog())
	}
	w.db.report("close the Writer's connection", w.conn.close())
	w.conn = nil
}
