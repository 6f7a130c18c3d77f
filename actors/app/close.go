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
			if a.Mailer != nil {
				a.Mailer.Close() // what it writes once a mail was sent is still taken
			}
			if a.Guests != nil {
				a.Guests.StopCalls() // the same is true of the calls that it makes
			}
			a.Catalogue.Close()
			if a.Writes != nil {
				a.Writes.Close()
			}
			return a.release()
		}
		err := a.terminate.Trigger(new(TerminateEvent), func(*TerminateEvent) error { return end() })
		if !closed {
			err = errors.Join(err, end())
		}
		if a.Guests != nil {
			err = errors.Join(err, a.Guests.Close()) // theirs are among the hooks that come last
		}
		a.closeErr = err
	})
	return a.closeErr
}

// release gives back what Bootstrap took: the Writer finishes what it was handed, then that is announced and the streams end,
// and the database, which rules are judged on, closes last. What was not opened yet is passed over.
func (a *App) release() (err error) {
	a.releaseOnce.Do(func() { err = a.releaseAll() })
	return err
}

func (a *App) releaseAll() error {
	var errs []error
	if a.Mailer != nil {
		a.Mailer.Close()
	}
	if a.Writes != nil {
		errs = append(errs, a.Writes.Settle())
	}
	if a.Realtime != nil {
		errs = append(errs, a.Realtime.Close())
	}
	if a.Writes != nil {
		a.Writes.Stop()
	}
	if a.DB != nil {
		errs = append(errs, a.DB.Close())
	}
	if a.Actors != nil {
		errs = append(errs, a.Actors.Stop())
	}
	a.Catalogue.Stop()
	if a.unlock != nil {
		errs = append(errs, a.unlock())
	}
	return errors.Join(errs...)
}
