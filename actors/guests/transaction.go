package guests

import (
	"context"
	"errors"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/wasmhost"
)

// errTakenBack is why a transaction of an extension was rolled back.
var errTakenBack = errors.New("the extension rolled the transaction back")

// transaction is one that an extension began. It implements wasmhost.Transaction.
type transaction struct {
	ctx     context.Context
	decided chan error // what becomes of it
	outcome chan error
}

// Begin implements wasmhost.Host.
func (h host) Begin(ctx context.Context) (wasmhost.Transaction, error) {
	t := &transaction{decided: make(chan error, 1), outcome: make(chan error, 1)}
	began := make(chan struct{})
	run := func() {
		t.outcome <- h.access.writes.RunInTransaction(ctx, func(within context.Context) error {
			t.ctx = within
			close(began)
			return <-t.decided
		})
	}
	routine.Go(run, func(p *routine.Panic) { t.outcome <- p })
	select {
	case <-began:
		return t, nil
	case err := <-t.outcome:
		return nil, known(err)
	}
}

// Context implements wasmhost.Transaction.
func (t *transaction) Context() context.Context { return t.ctx }

// Commit implements wasmhost.Transaction.
func (t *transaction) Commit() error {
	t.decided <- nil
	return known(<-t.outcome)
}

// Rollback implements wasmhost.Transaction.
func (t *transaction) Rollback() error {
	t.decided <- errTakenBack
	if err := <-t.outcome; !errors.Is(err, errTakenBack) {
		return known(err)
	}
	return nil
}
