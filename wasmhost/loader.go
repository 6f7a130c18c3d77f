package wasmhost

import (
	"context"
	"errors"
	"slices"
	"time"
)

// loader is the goroutine that brings what is in the directory in place. It looks (directory.go), has what is new loaded by jobs that run beside one
// another, and proposes sets (propose.go). It waits for nobody: whoever takes long is put in place later than others, except when the manager is opened.
type loader struct {
	m       *Manager
	asks    chan *ask
	raises  chan *raising
	raised  chan *raising
	results chan result
	quit    chan struct{}
	ended   chan struct{}
	jobs    context.Context
	cancel  context.CancelFunc
	places  chan struct{} // of jobs that load or start a version
	gather  *time.Timer   // until what is ready is proposed although something is not
	retry   *time.Timer   // until the next look that nobody asked for

	// What follows belongs to the goroutine.
	files    map[string]*file // by name: all that the last look found
	gone     map[*Extension]int
	expelled map[*Extension]bool // in place, and to leave
	events   []string            // that were raised: what comes in place later has to pass them before
	looks    int
	busy     int       // jobs
	waiting  []*ask    // for there being none
	opening  bool      // nothing is proposed before all jobs are done
	armed    bool      // gather runs
	moved    bool      // what is refused has changed
	next     time.Time // when there is sense in another attempt, zero for never
	pause    int       // how many looks or proposals have failed in a row
	resume   time.Time // when to look again for that reason
	left     int       // how many files are left out for being too many
	unread   string    // what was last said about the directory
}

// file is what is known of a file in the directory.
type file struct {
	seen      sighting
	candidate *candidate // what shall be in place, nil without one
	failure   *refusal   // why what was seen is not
	said      string     // about it in the log, so that it is not said again
}

// ask is somebody who wants the directory to be looked at.
type ask struct {
	opening bool
	err     error         // of reading the directory
	done    chan struct{} // closed when what was found is in place, or refused
}

func newLoader(m *Manager) *loader {
	l := &loader{
		m: m, asks: make(chan *ask), raises: make(chan *raising), raised: make(chan *raising), results: make(chan result), quit: make(chan struct{}),
		ended: make(chan struct{}), places: make(chan struct{}, cap(m.compiling)+spareLoaders), gather: time.NewTimer(time.Hour),
		retry: time.NewTimer(time.Hour), files: make(map[string]*file), gone: make(map[*Extension]int), expelled: make(map[*Extension]bool),
	}
	l.gather.Stop()
	l.retry.Stop()
	l.jobs, l.cancel = context.WithCancel(context.Background())
	return l
}

// run is the goroutine.
func (l *loader) run() {
	for {
		select {
		case <-l.quit:
			return
		case a := <-l.asks:
			l.waiting = append(l.waiting, a)
			l.opening = l.opening || a.opening
			a.err = l.look()
		case r := <-l.raises:
			l.raise(r)
		case r := <-l.raised:
			l.endRaise(r)
		case r := <-l.results:
			l.busy--
			l.settle(r)
		case <-l.gather.C:
			l.armed = false
			l.opening, l.moved = false, true
			l.propose()
		case <-l.retry.C:
			_ = l.look() // which has logged it
		}
		l.consider()
	}
}

// stop ends the goroutine and waits for it. Jobs that run end by themselves.
func (l *loader) stop() {
	l.cancel()
	close(l.quit)
	<-l.ended
	l.gather.Stop()
	l.retry.Stop()
}

// consider proposes what is ready, now or a little later, and answers who waited.
func (l *loader) consider() {
	if l.pending() {
		switch {
		case l.busy == 0:
			l.propose()
		case !l.armed && !l.opening:
			l.armed = true
			l.gather.Reset(gatherTime)
		case !l.armed:
			l.armed = true
			l.gather.Reset(openLimit)
		}
	}
	if l.busy == 0 {
		if l.opening {
			l.opening, l.armed, l.moved = false, false, true
			l.gather.Stop()
		}
	}
	l.publish() // before anybody is answered who may ask
	l.waiting = slices.DeleteFunc(l.waiting, func(a *ask) bool {
		answered := l.busy == 0 || a.opening && !l.opening
		if answered {
			close(a.done)
		}
		return answered
	})
}

// arm sets the time of the next look that nobody asks for.
func (l *loader) arm() {
	at := l.next
	if !l.resume.IsZero() && (at.IsZero() || l.resume.Before(at)) {
		at = l.resume
	}
	if at.IsZero() || l.opening {
		l.retry.Stop()
		return
	}
	l.retry.Reset(max(0, time.Until(at)))
}

// inPlace returns the version of a file that is in place, nil for none. Anybody may call it.
func (l *loader) inPlace(name string) *Extension {
	for _, x := range *l.m.set.Load() {
		if x.file == name {
			return x
		}
	}
	return nil
}

// look reads the directory and begins what follows from it.
func (l *loader) look() error {
	l.looks++
	l.m.looks.Add(1)
	l.moved, l.resume = true, time.Time{}
	current := make(map[string]*Extension)
	for _, x := range *l.m.set.Load() {
		current[x.file] = x
	}
	names, left, err := moduleNames(l.m.options.Dir, func(name string) bool { return current[name] != nil })
	if err != nil {
		l.later()
		if l.unread != err.Error() {
			l.unread = err.Error()
			l.m.log.Error("extensions: what is loaded stays", "dir", l.m.options.Dir, "error", err)
		}
		return err
	}
	l.unread = ""
	if len(left) != l.left && len(left) > 0 {
		l.m.log.Error("extensions: too many modules", "most", maxFiles, "left out", len(left), "first", left[0])
	}
	l.left = len(left)
	l.miss(names, current)
	for _, s := range l.sight(names) {
		l.find(s, current[s.name])
	}
	return nil
}

// miss forgets the files that are gone, and has their versions leave.
func (l *loader) miss(names []string, current map[string]*Extension) {
	found := make(map[string]bool, len(names))
	for _, name := range names {
		found[name] = true
	}
	for name, f := range l.files {
		if !found[name] {
			l.abandon(f)
			delete(l.files, name)
		}
	}
	for name, x := range current {
		if found[name] {
			delete(l.gone, x)
		} else if _, known := l.gone[x]; !known {
			l.gone[x] = l.looks
		}
	}
}

// later has the directory looked at again by and by, because something did not work that has to do with no file.
func (l *loader) later() {
	l.pause++
	l.resume = time.Now().Add(backOff(l.pause))
	l.moved = true
}

// find takes in what a look found; old is what is in place of that file.
func (l *loader) find(s sighting, old *Extension) {
	f := l.files[s.name]
	if f == nil {
		f = &file{}
		l.files[s.name] = f
	}
	f.seen = s
	kept, keptErr := s.kept, s.keptErr
	f.seen.kept, f.seen.keptErr = nil, nil
	switch {
	case s.err != nil:
		l.fail(s.name, f, s.err)
		return
	case old != nil && old.sum == s.sum && !l.expelled[old]:
		l.abandon(f)
		f.failure, f.said = nil, ""
		return
	case f.candidate != nil && f.candidate.sum == s.sum:
		if f.candidate.state == parked {
			l.advance(f)
		}
		return
	}
	l.abandon(f)
	if f.failure == nil || f.failure.sum != s.sum {
		f.failure = l.m.entries.failed(s.sum)
	}
	// What has failed before is not waited for when the server starts: it is tried once the others are in place.
	if f.failure != nil && (!f.failure.due(s.at) || l.opening) {
		if kept != nil {
			l.m.discard(kept)
		}
		l.complain(s.name, f, errors.New(f.failure.Why))
		return
	}
	f.candidate = &candidate{file: s.name, sum: s.sum, look: l.looks, x: kept}
	switch {
	case keptErr == nil && kept != nil:
		l.advance(f)
	case keptErr != nil && !errors.Is(keptErr, errNoEntry):
		l.fail(s.name, f, keptErr)
	default:
		l.begin(f.candidate, func(c *candidate) (r result) {
			r.x, r.err = l.m.load(l.jobs, c.file, c.sum)
			return r
		})
	}
}

// pending tells whether a proposal would change something.
func (l *loader) pending() bool {
	if len(l.gone) > 0 || len(l.expelled) > 0 {
		return true
	}
	for _, f := range l.files {
		if f.candidate != nil && f.candidate.state == ready {
			return true
		}
	}
	return false
}
