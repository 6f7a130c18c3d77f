package app

import (
	"context"
	"errors"
	"time"

	"github.com/troupebase/troupe/storage/sqlite"
)

// Close ends the actors after what they had accepted was answered, and closes the database. New writes are refused once the
// hooks before it have run. Calling it again returns the same error. An error of a hook keeps nothing open.
func (a *App) Close() error {
	a.closeOnce.Do(func() {
		closed := false
		end := func() error {
			closed = true
			a.stopMailer() // what it writes once a mail was sent is still taken
			a.closing.Store(true)
			return a.release()
		}
		err := a.hooks.terminate.Trigger(&TerminateEvent{App: a}, func(*TerminateEvent) error { return end() })
		if !closed {
			err = errors.Join(err, end())
		}
		if a.extensions != nil {
			err = errors.Join(err, a.extensions.Close()) // theirs are among the hooks that come last
		}
		a.closeErr = err
	})
	return a.closeErr
}

// release gives back what Open took: the Writer finishes what it was handed, then that is announced and the streams end,
// and the database, which rules are judged on, closes last. What was not opened yet is passed over.
func (a *App) release() (err error) {
	a.releaseOnce.Do(func() { err = a.releaseAll() })
	return err
}

func (a *App) releaseAll() error {
	a.stopMailer()
	a.removals.stop()
	var errs []error
	if a.db != nil {
		errs = append(errs, a.settle())
	}
	if a.hub != nil {
		errs = append(errs, a.hub.Close())
	}
	a.remover.stop()
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	if a.actors != nil {
		errs = append(errs, a.actors.Stop())
	}
	a.background.Wait()
	if a.unlock != nil {
		errs = append(errs, a.unlock())
	}
	return errors.Join(errs...)
}

// settleLimit bounds how long Close waits for commands that were admitted before it began.
const settleLimit = writeTimeout + time.Second

// settle waits until every command that was admitted has its outcome.
func (a *App) settle() error {
	for end := time.Now().Add(settleLimit); a.members.busy() || a.exclusives.Load() > 0 || a.removals.under.Load() > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("close: commands are still under way")
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), settleLimit)
	defer cancel()
	// What others handed to the Writer came before this.
	return a.db.Do(ctx, sqlite.WorkFunc(func(*sqlite.Tx) error { return nil }))
}
