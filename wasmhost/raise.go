package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/troupebase/troupe/internal/routine"
)

// raising is an event that is raised for everything in place.
type raising struct {
	event    string
	again    bool // there is no event; what is in place is only proposed again
	failures map[*Extension]error
	done     chan struct{} // closed when those that failed are out
}

// raise begins an event. From now on nothing comes in place that has not passed it.
func (l *loader) raise(r *raising) {
	if r.again {
		l.proposeAgain()
		l.publish()
		close(r.done)
		return
	}
	l.events = append(l.events, r.event)
	for _, f := range l.files {
		if f.candidate != nil && f.candidate.state == ready {
			l.advance(f)
		}
	}
	l.busy++
	set := *l.m.set.Load()
	routine.Go(func() {
		r.failures = l.m.raiseAll(l.jobs, set, r.event)
		select {
		case l.raised <- r:
		case <-l.quit:
		}
	}, func(p *routine.Panic) {
		l.m.log.Error("extensions: panic", "in", "an event", "panic", p.Value, "stack", string(p.Stack))
	})
}

// endRaise has those leave that failed.
func (l *loader) endRaise(r *raising) {
	l.busy--
	for x, err := range r.failures {
		if l.inPlace(x.file) != x {
			continue // replaced meanwhile, by a version that passed it
		}
		l.expelled[x] = true
		if f := l.files[x.file]; f != nil && f.seen.sum == x.sum {
			l.fail(x.file, f, &loadError{ofRun, fmt.Errorf("%s of %s: %w", r.event, x.file, err)})
		} else {
			x.log.Error("extension: refused", "event", r.event, "error", err)
		}
	}
	l.propose()
	l.publish()
	close(r.done)
}

// proposeAgain proposes what is in place once more, because something else has changed that it may collide with.
func (l *loader) proposeAgain() {
	err := l.m.propose(slices.Clone(*l.m.set.Load()))
	var blame Blame
	switch {
	case err == nil:
	case errors.As(err, &blame) && l.give(blame):
		l.propose()
	default:
		l.m.log.Error("extensions: what is in place was refused", "error", err)
		l.later()
	}
}

// raiseAll raises an event for those of a set that have a hook for it, and returns who failed. They are begun in the order of their names, each when the one
// before has ended or has had its time alone, maxRaising at a time; their code is made ready beside one another.
func (m *Manager) raiseAll(ctx context.Context, set []*Extension, event string) map[*Extension]error {
	failures := make(map[*Extension]error)
	var mu sync.Mutex
	var group sync.WaitGroup
	places, before := make(chan struct{}, maxRaising), closed()
	for _, x := range set {
		if !x.hears(event) {
			continue
		}
		places <- struct{}{}
		turn, over := before, make(chan struct{})
		next := sync.OnceFunc(func() { close(over) })
		before = over
		routine.In(&group, func() {
			defer func() { next(); <-places }()
			x.warm(ctx)
			<-turn
			alone := routine.After(raiseAlone, next, func(*routine.Panic) {})
			defer alone.Stop()
			if err := m.raiseOne(ctx, x, event); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failures[x] = err
			}
		}, func(p *routine.Panic) {
			m.log.Error("extensions: panic", "in", "an event", "panic", p.Value, "stack", string(p.Stack))
		})
	}
	group.Wait()
	return failures
}

// closed returns a channel that nobody waits for.
func closed() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// hears tells whether x has a hook for an event.
func (x *Extension) hears(event string) bool {
	return slices.ContainsFunc(x.hooks, func(h HookSpec) bool { return h.Event == event })
}

// warm has the code of x made. That it cannot be is told by the call that needs it.
func (x *Extension) warm(ctx context.Context) {
	if x.enter(false) {
		defer x.leave()
		_, _ = x.engineFor(ctx, x.manager.now()+int64(raiseLimit))
	}
}

// raiseOne raises an event for one version, within a bounded time.
func (m *Manager) raiseOne(ctx context.Context, x *Extension, event string) error {
	if m.options.Raise == nil || !x.hears(event) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, raiseLimit)
	defer cancel()
	return routine.Guard(func() error { return m.options.Raise(ctx, x, event) })
}
