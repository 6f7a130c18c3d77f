package catalogue

import "context"

// MaxChanges is how many changes may wait.
const MaxChanges = maxChanges

// ErrNoChange says that a change says nothing.
var ErrNoChange = errNoChange

// Run has the worker run fn.
func (s *Service) Run(ctx context.Context, fn func() error) error {
	return s.submit(ctx, &command{run: fn})
}

// Reload reads collections and settings again, as after a write by another process.
func (s *Service) Reload() error { return s.reload() }
