package writes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// removeStep is how many files are removed before their notes are cleared, in one unit.
const removeStep = 500

// removeGrace is how long files are removed while the application closes; the next start goes on.
const removeGrace = 5 * time.Second

// remover is the goroutine that removes what committed writes have left without a name. It reads in the data file what that
// is, so that nothing has to be kept in memory, however much a truncate leaves.
type remover struct {
	woken  chan struct{} // holds one
	cancel context.CancelFunc
	done   chan struct{}
}

func newRemover() remover { return remover{woken: make(chan struct{}, 1)} }

// wake tells that there may be something to do. It does not block.
func (r *remover) wake() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

func (r *remover) start(a *Service) {
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel, r.done = cancel, make(chan struct{})
	routine.Go(func() {
		defer close(r.done)
		for {
			select {
			case <-r.woken:
				a.removeLogged(ctx)
			case <-ctx.Done():
				r.last(a)
				return
			}
		}
	}, a.panicked("remove files"))
}

// last does what was still to be done when the application closes.
func (r *remover) last(a *Service) {
	select {
	case <-r.woken:
		ctx, cancel := context.WithTimeout(context.Background(), removeGrace)
		defer cancel()
		a.removeLogged(ctx)
	default:
	}
}

// stop ends the goroutine, if it was started.
func (r *remover) stop() {
	if r.cancel != nil {
		r.cancel()
		<-r.done
	}
}

func (a *Service) removeLogged(ctx context.Context) {
	err := routine.Guard(func() error { return a.removeNoted(ctx, isFileKey) })
	switch {
	case err == nil:
	case ctx.Err() != nil:
		a.remover.wake() // not done with it
	default:
		a.log.Error("remove files", "error", err)
	}
}

// removeNoted removes what the data file notes and nothing names, and clears the notes. What cannot be removed stays noted
// for the next start. Only keys that are wanted are looked at: those of collections are the business of the start and of the
// catalogue's worker.
func (a *Service) removeNoted(ctx context.Context, wanted func(key string) bool) error {
	after := ""
	var errs []error
	for {
		keys, err := a.noted(ctx, after)
		if err == nil && after == "" && len(keys) > 0 {
			err = a.db.Settled(ctx) // a note that was read may be one that a crash takes back
		}
		if err != nil || len(keys) == 0 {
			return errors.Join(append(errs, err)...)
		}
		after = keys[len(keys)-1]
		keys = slices.DeleteFunc(keys, func(key string) bool { return !wanted(key) })
		settled, err := a.removeKeys(ctx, keys)
		errs = append(errs, err)
		if len(settled) == 0 {
			continue
		}
		a.reach(stepRemoved)
		if err := a.db.Do(ctx, records.ClearRemovals(settled)); err != nil {
			return errors.Join(append(errs, fmt.Errorf("clear notes of removed files: %w", err))...)
		}
	}
}

func (a *Service) noted(ctx context.Context, after string) (keys []string, err error) {
	err = a.db.Read(ctx, func(r *sqlite.Reader) (err error) {
		keys, err = records.Removals(r, after, removeStep)
		return err
	})
	return keys, err
}

// removeKeys removes what of keys nothing names, and returns those that are settled.
func (a *Service) removeKeys(ctx context.Context, keys []string) (settled []string, err error) {
	gone, err := a.unnamed(ctx, keys)
	if err != nil {
		return nil, err
	}
	failed := make(map[string]bool)
	var errs []error
	for _, key := range gone {
		remove := a.files.Delete
		if isCollectionKey(key) {
			remove = a.files.Discard
		}
		if err := remove(key); err != nil {
			failed[key] = true
			errs = append(errs, fmt.Errorf("remove %s: %w", key, err))
		}
	}
	return slices.DeleteFunc(keys, func(key string) bool { return failed[key] }), errors.Join(errs...)
}
