package sqlite

import (
	"errors"
	"fmt"
	"time"
)

// Units of user code are run once: what they did outside the database cannot be done again. They share a commit all the same, since a sync
// each would make them many times slower, but only with one another: no other unit waits in its group for somebody's code. Each runs
// in a savepoint of its own, and one that is slow is the last of its group. When the transaction is lost, or its commit fails,
// nothing of the group was written, nobody is run again, and everybody is told so.

// ErrTakenAlong says that a unit ended well and was not written all the same, because of another one in its group. It comes with
// [ErrNotWritten].
var ErrTakenAlong = errors.New("sqlite: another unit of the group took it along")

// runShared runs units of user code in one transaction, as many as there is time for, and answers those that have begun. The others go back.
func (w *writer) runShared(units []*Unit) {
	w.tx.reset()
	broken := w.beginGroup()
	end := time.Now().Add(sharedTime)
	single, whole := len(units) == 1, true
	begun, late := make([]*Unit, 0, len(units)), []*Unit(nil)
	next := 0
	for ; next < len(units) && whole; next++ {
		u, now := units[next], time.Now()
		if len(begun) > 0 && now.After(end) {
			break
		}
		switch {
		case u.expired(now) && u.remove():
			late = append(late, u)
		case !u.begin():
		case broken != nil:
			u.err = broken
			begun = append(begun, u)
		default:
			begun = append(begun, u)
			whole = w.applyIn(u, single)
		}
	}
	w.db.queue.putBack(units[next:])
	if broken == nil {
		w.commitShared(begun, whole)
	}
	w.publish()
	w.settle(begun)
	for _, u := range late {
		w.db.answer(u, ErrNotWritten)
	}
}

// commitShared commits what shared units have written and notes in each how it ended.
func (w *writer) commitShared(units []*Unit, whole bool) {
	lost, why := w.conclude(units, whole)
	if whole && !lost {
		return
	}
	err := fmt.Errorf("%w: %w", ErrNotWritten, ErrTakenAlong)
	if why != nil {
		err = fmt.Errorf("%w: %w", err, why)
	}
	for _, u := range units {
		if u.err == nil {
			u.err = err
		}
	}
}
