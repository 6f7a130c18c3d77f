package wasmhost

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/troupebase/troupe/internal/routine"
)

// candidate is a version on its way.
type candidate struct {
	file  string
	sum   checksum
	look  int        // the number of the look that found it
	x     *Extension // nil while it is loaded
	state state
	begun int // how many events it has passed
}

// state is where a candidate stands.
type state int

const (
	loading  state = iota // a job makes it
	starting              // a job raises events
	ready                 // for the next proposal
	parked                // because of others, until the next look
)

// result is how a job of a candidate ended.
type result struct {
	candidate *candidate
	x         *Extension
	begun     int
	err       error
}

// abandon gives up the candidate of a file.
func (l *loader) abandon(f *file) {
	c := f.candidate
	f.candidate = nil
	if c != nil && c.x != nil && c.state != starting { // whose job ends it
		l.m.discard(c.x)
	}
}

// begin has a job done for a candidate, when there is a place.
func (l *loader) begin(c *candidate, work func(c *candidate) result) {
	l.busy++
	job := *c // which is the loop's
	routine.Go(func() {
		var r result
		select {
		case l.places <- struct{}{}:
			r = work(&job)
			<-l.places
		case <-l.jobs.Done():
			r.err = ErrClosed
		}
		r.candidate = c
		l.end(r)
	}, func(p *routine.Panic) {
		l.m.log.Error("extensions: panic", "in", "loading", "panic", p.Value, "stack", string(p.Stack))
		l.end(result{candidate: c, err: p})
	})
}

// end hands a result over.
func (l *loader) end(r result) {
	select {
	case l.results <- r:
	case <-l.quit:
	}
}

// settle takes in how a job ended.
func (l *loader) settle(r result) {
	c := r.candidate
	if r.x != nil {
		c.x = r.x
	}
	f := l.files[c.file]
	switch {
	case f == nil || f.candidate != c: // the file is gone or has other content by now
		if c.x != nil {
			l.m.discard(c.x)
		}
	case r.err != nil:
		c.state = parked
		l.fail(c.file, f, r.err)
	default:
		c.begun = r.begun
		l.advance(f)
	}
}

// advance does what comes next for a candidate that is loaded.
func (l *loader) advance(f *file) {
	c := f.candidate
	if other := l.taken(c); other != "" {
		l.park(f, fmt.Errorf("load %s: %s is the name of the extension in %s", c.file, c.x.name, other))
		return
	}
	if c.begun == len(l.events) {
		c.state = ready
		return
	}
	c.state = starting
	events := slices.Clone(l.events[c.begun:])
	l.begin(c, func(c *candidate) (r result) {
		r.begun = c.begun
		for _, event := range events {
			if err := l.m.raiseOne(l.jobs, c.x, event); err != nil {
				r.err = &loadError{ofRun, fmt.Errorf("%s of %s: %w", event, c.file, err)}
				break
			}
			r.begun++
		}
		return r
	})
}

// taken returns the file of whoever has the name of c already, "" for nobody.
func (l *loader) taken(c *candidate) string {
	for _, y := range *l.m.set.Load() {
		if y.name == c.x.name && y.file != c.file && l.files[y.file] != nil && !l.expelled[y] {
			return y.file
		}
	}
	for name, f := range l.files {
		if d := f.candidate; d != nil && d != c && d.state == starting && d.x.name == c.x.name {
			return name
		}
	}
	return ""
}

// park puts a candidate aside because of others.
func (l *loader) park(f *file, err error) {
	f.candidate.state = parked
	l.fail(f.candidate.file, f, &loadError{ofSet, err})
}

// fail notes why what was seen of a file is not in place, and gives its candidate up unless that depends on others.
func (l *loader) fail(name string, f *file, err error) {
	if errors.Is(err, ErrClosed) && l.m.closing.Load() {
		return
	}
	l.moved = true
	sum := f.seen.sum
	if f.failure == nil || f.failure.sum != sum {
		f.failure = &refusal{sum: sum, Since: time.Now()}
	}
	f.failure.again(err, time.Now())
	switch f.failure.Cause {
	case ofSet:
	default:
		l.abandon(f)
		if f.seen.err == nil && f.failure.Cause != ofServer {
			if err := l.m.entries.note(f.failure); err != nil {
				l.m.log.Warn("extension: its failure is not kept", "file", name, "error", err)
			}
		}
	}
	l.complain(name, f, err)
}

// complain logs what is wrong with a file, once.
func (l *loader) complain(name string, f *file, err error) {
	if f.said == err.Error() {
		return
	}
	f.said = err.Error()
	l.m.log.Error("extension: not loaded", "file", name, "error", err)
}
