package app

import (
	"errors"
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
			if a.writes != nil {
				a.writes.Close()
			}
			return a.release()
		}
		err := a.terminate.Trigger(new(TerminateEvent), func(*TerminateEvent) error { return end() })
		if !closed {
			err = errors.Join(err, end())
		}
		if a.guests != nil {
			err = errors.Join(err, a.guests.Close()) // theirs are among the hooks that come last
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
	var errs []error
	if a.writes != nil {
		errs = append(errs, a.writes.Settle())
	}
	if a.hub != nil {
		errs = append(errs, a.hub.Close())
	}
	if a.writes != nil {
		a.writes.Stop()
	}
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
