package guests

import (
	"context"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/wasmhost"
)

// transaction is one that an extension began, with errors that it may know about. It implements wasmhost.Transaction.
type transaction struct{ *writes.Transaction }

// Begin implements wasmhost.Host.
func (h host) Begin(ctx context.Context) (wasmhost.Transaction, error) {
	t, err := h.access.writes.Begin(ctx, scope(ctx, wasmhost.AsExtension).client())
	if err != nil {
		return nil, known(err)
	}
	return transaction{t}, nil
}

// Commit implements wasmhost.Transaction.
func (t transaction) Commit() error { return known(t.Transaction.Commit()) }

// Rollback implements wasmhost.Transaction.
func (t transaction) Rollback() error { return known(t.Transaction.Rollback()) }
