package auth

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"

	"github.com/troupebase/troupe/storage/records"
)

const (
	// hashersAtOnce is how many passwords are worked on at the same time: one takes 50 ms of a core, and whatever else the
	// server does shall go on beside it.
	hashersAtOnce = 2
	// maxHashing is how many may wait for that: about seven seconds of work, a caller is refused beyond.
	maxHashing = 256
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
	places  chan struct{}
	waiting atomic.Int64
}

// NewPasswords returns a place to work on passwords.
func NewPasswords() *Passwords {
	return &Passwords{places: make(chan struct{}, hashersAtOnce)}
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
	hash, err := bcrypt.GenerateFromPassword([]byte(plain), cost)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return string(hash), nil
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
	return hash != "" && bcrypt.CompareHashAndPassword([]byte(hash), []byte(plain)) == nil, nil
}

// Functions returns the form in which package records takes p.
func (p *Passwords) Functions() records.Passwords {
	return records.Passwords{Hash: p.Hash, Matches: p.Matches}
}

// enter waits for a place.
func (p *Passwords) enter(ctx context.Context) (leave func(), err error) {
	if p.waiting.Add(1) > maxHashing {
		p.waiting.Add(-1)
		return nil, ErrBusy
	}
	defer p.waiting.Add(-1)
	select {
	case p.places <- struct{}{}:
		return func() { <-p.places }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
