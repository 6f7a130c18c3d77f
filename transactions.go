package troupe

import (
	"context"
	"fmt"
)

// RunInTransaction runs fn with a context whose writes and reads are part of one transaction: all or nothing. While fn runs
// no other write of the server goes on, so it is ended when it takes longer than a batch may (see the settings), with its context, and it
// should use nothing but the context that it is given, on one goroutine at a time: a write on another one waits in vain.
// Records can be changed, collections and settings cannot: that fails with [ErrInTransaction].
// Inside of a transaction fn is a part of it that can fail alone.
//
// Hooks that come after a write run when the transaction has ended. Their errors are returned, and take nothing back.
func (a *App) RunInTransaction(ctx context.Context, fn func(ctx context.Context) error) error {
	if !a.inner.Ready() {
		return fmt.Errorf("begin transaction: %w", ErrNotOpen)
	}
	return a.inner.Records.RunInTransaction(ctx, fn)
}
