package wasmhost

import (
	"errors"
	"slices"
	"strings"
	"time"
)

// cause is what a failure depends on, and so when there is sense in another attempt.
type cause string

const (
	// ofContent: the bytes. There is no other attempt before they change, not even after a restart.
	ofContent cause = "content"
	// ofServer: the bytes and this server's version and options. There is none before the bytes change or the server starts again.
	ofServer cause = "server"
	// ofRun: what running it came to: out of time, no room, a trap, a refusal. Tried again by and by.
	ofRun cause = "run"
	// ofSet: what else is there. Tried again whenever the directory is looked at.
	ofSet cause = "set"
)

// loadError is a failure to load with its cause.
type loadError struct {
	cause cause
	err   error
}

func (e *loadError) Error() string { return e.err.Error() }
func (e *loadError) Unwrap() error { return e.err }

// causeOf returns the cause of a failure; what nobody has marked may be the machine's.
func causeOf(err error) cause {
	var e *loadError
	if errors.As(err, &e) {
		return e.cause
	}
	return ofRun
}

// refusal is why some content of a file is not in place.
type refusal struct {
	sum   checksum
	Cause cause     `json:"cause"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"` // of the first of the attempts that failed in a row
	Tries int       `json:"tries"`
	Next  time.Time `json:"next"` // of another attempt, zero for none before something changes
}

// again counts another attempt that failed.
func (f *refusal) again(err error, now time.Time) {
	f.Cause, f.Why, f.Tries = causeOf(err), cut(err.Error(), maxMessage), f.Tries+1
	f.Next = time.Time{}
	if f.Cause == ofRun {
		f.Next = now.Add(backOff(f.Tries))
	}
}

// backOff is how long there is no other attempt after that many.
func backOff(tries int) time.Duration {
	pause := retryFirst
	for ; tries > 1 && pause < retryMost; tries-- {
		pause *= 2
	}
	return min(pause, retryMost)
}

// due tells whether there is sense in an attempt now.
func (f *refusal) due(now time.Time) bool {
	switch f.Cause {
	case ofSet:
		return true
	case ofRun:
		return !now.Before(f.Next)
	}
	return false
}

// Refused is a file whose content is not in place, and why.
type Refused struct {
	// File is its name in the directory, Name that in its description, "" if nothing is known of it.
	File, Name string
	// Why is what it failed with last; Since is when it first did, of Tries in a row.
	Why   string
	Since time.Time
	Tries int
	// Next is when it is tried again. It is zero where that takes a change of the file, of its neighbours, or of the server.
	Next time.Time
	// Before tells that what was loaded of the file before is still in place.
	Before bool
}

// Refused returns the files that are not in place as they are in the directory, ordered by name.
func (m *Manager) Refused() []Refused { return slices.Clone(*m.refused.Load()) }

// publish makes what is refused known.
func (l *loader) publish() {
	if !l.moved {
		return
	}
	l.moved = false
	list := []Refused{}
	l.next = time.Time{}
	for name, f := range l.files {
		if f.failure == nil {
			continue
		}
		r := Refused{File: name, Why: f.failure.Why, Since: f.failure.Since, Tries: f.failure.Tries, Next: f.failure.Next, Before: l.inPlace(name) != nil}
		if f.candidate != nil && f.candidate.x != nil {
			r.Name = f.candidate.x.name
		}
		list = append(list, r)
		if !r.Next.IsZero() && (f.candidate == nil || f.candidate.state == parked) && (l.next.IsZero() || r.Next.Before(l.next)) {
			l.next = r.Next
		}
	}
	slices.SortFunc(list, func(a, b Refused) int { return strings.Compare(a.File, b.File) })
	l.m.refused.Store(&list)
	l.arm()
}
