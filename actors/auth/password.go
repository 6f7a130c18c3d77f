package auth

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/storage/records"
)

const (
	// hashersShare is which part of the cores work on passwords at the same time: one takes 50 ms of a core, and whatever else
	// the server does shall go on beside it.
	hashersShare = 2
	// maxHashing is how many may wait for that, a caller is refused beyond: with two cores about ten seconds of work at the
	// pace of a crowd.
	maxHashing = 128
	// crowd is how many may wait before the work slows down for the sake of everything else.
	crowd = 8
	// restAfter is how long the work goes on between two pauses: what becomes runnable on the same core waits that long at
	// most. With a millisecond it was the 99th percentile of a lone view.
	restAfter = 200 * time.Microsecond
	// maxPasswordBytes is what bcrypt looks at.
	maxPasswordBytes = 72
)

var (
	// ErrBusy says that too many passwords are being worked on; the caller may try again.
	ErrBusy = errors.New("too many passwords are being checked")
	// ErrPasswordTooLong says that a password has more bytes than can be hashed.
	ErrPasswordTooLong = errors.New("the password is longer than 72 bytes")
)

// Passwords hashes and compares passwords, a few at a time, on the callers' goroutines. It is safe for concurrent use;
// make one with [NewPasswords].
type Passwords struct {
	slots   chan struct{}
	waiting atomic.Int64
}

// NewPasswords returns the functions that hash and compare, with slots for a part of the cores.
func NewPasswords() *Passwords {
	return &Passwords{slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/hashersShare))}
}

// Hash returns the bcrypt hash of plain. It fails with [ErrPasswordTooLong], [ErrBusy] or the error of ctx, which only
// matters while the caller waits for its turn.
func (p *Passwords) Hash(ctx context.Context, plain string, cost int) (string, error) {
	if len(plain) > maxPasswordBytes {
		return "", ErrPasswordTooLong
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	defer leave()
	hash, err := bcryptHash([]byte(plain), cost, p.rest())
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// Matches tells whether hash was made from plain; bytes after the 72nd do not count, and an empty or malformed hash
// matches nothing. It fails like [Passwords.Hash] while it waits for its turn.
func (p *Passwords) Matches(ctx context.Context, hash, plain string) (bool, error) {
	if len(plain) > maxPasswordBytes {
		plain = plain[:maxPasswordBytes]
	}
	leave, err := p.enter(ctx)
	if err != nil {
		return false, fmt.Errorf("compare password: %w", err)
	}
	defer leave()
	return hash != "" && bcryptMatches(hash, []byte(plain), p.rest()), nil
}

// rest returns what is called between two rounds of work: others go first, and while a crowd waits the work pauses for as
// long as it went on, so that a flood of sign-ins gets a quarter of the machine.
func (p *Passwords) rest() func() {
	began := time.Now()
	return func() {
		worked := time.Since(began)
		if worked < restAfter || p.waiting.Load() <= crowd {
			runtime.Gosched()
			return
		}
		time.Sleep(worked)
		began = time.Now()
	}
}

// Functions returns the form in which package records takes p.
func (p *Passwords) Functions() records.Passwords {
	return records.Passwords{Hash: p.Hash, Matches: p.Matches}
}

// enter waits for a slot.
func (p *Passwords) enter(ctx context.Context) (leave func(), err error) {
	if p.waiting.Add(1) > maxHashing {
		p.waiting.Add(-1)
		return nil, ErrBusy
	}
	defer p.waiting.Add(-1)
	select {
	case p.slots <- struct{}{}:
		return func() { <-p.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
