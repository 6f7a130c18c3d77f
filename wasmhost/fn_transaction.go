package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"
)

// maxHolding is how much of its own time a guest may take while it holds a transaction, in which nobody else writes.
const maxHolding = time.Second

func transactionBegin(i *instance, _ []uint64) (int32, *Error) {
	c := &i.call
	switch {
	case c.about == nil:
		return 0, errNotLoading
	case len(c.transactions) >= MaxTransactions:
		return 0, errOpen
	}
	ctx, busy := i.hostContext()
	if busy != nil {
		return 0, busy
	}
	t, err := i.extension.manager.host.Begin(ctx)
	if err != nil {
		return 0, i.explain("transaction_begin", err)
	}
	if len(c.transactions) == 0 {
		// The clock stands still at the moment when the host function began.
		c.hold(c.entered, maxHolding)
	}
	c.transactions = append(c.transactions, t)
	return 0, nil
}

func transactionCommit(i *instance, _ []uint64) (int32, *Error) {
	t, none := i.endTransaction()
	if none != nil {
		return 0, none
	}
	if err := t.Commit(); err != nil {
		i.wrote()
		return 0, i.explain("transaction_commit", err)
	}
	i.wrote()
	return 0, nil
}

func transactionRollback(i *instance, _ []uint64) (int32, *Error) {
	t, none := i.endTransaction()
	if none != nil {
		return 0, none
	}
	if err := t.Rollback(); err != nil {
		return 0, i.explain("transaction_rollback", err)
	}
	return 0, nil
}

// endTransaction takes the innermost transaction of the call.
func (i *instance) endTransaction() (Transaction, *Error) {
	c := &i.call
	n := len(c.transactions)
	switch {
	case c.about == nil:
		return nil, errNotLoading
	case n == 0:
		return nil, errNoneOpen
	}
	if !c.exact { // to end one takes as long as a commit
		c.entered, c.exact = i.extension.manager.now(), true
	}
	t := c.transactions[n-1]
	c.transactions[n-1] = nil
	if c.transactions = c.transactions[:n-1]; n == 1 {
		c.unhold()
	}
	return t, nil
}

// rollBack ends the transactions that the guest left open. err is how its call ended.
func (i *instance) rollBack(err error) {
	open := i.call.transactions
	if len(open) == 0 {
		return
	}
	level := slog.LevelWarn
	if err != nil || i.call.rejection != nil || i.call.gaveUp {
		level = slog.LevelInfo
	}
	i.extension.log.Log(context.Background(), level, "extension: a transaction was open when the call ended, and is rolled back", "open", len(open))
	for n := len(open) - 1; n >= 0; n-- {
		if err := guarded(open[n].Rollback); err != nil {
			i.extension.log.Warn("extension: roll back a transaction", "error", err)
		}
	}
}

// guarded makes an error of a panic in f.
func guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = errors.Join(err, fmt.Errorf("panic: %v\n%s", v, debug.Stack()))
		}
	}()
	return f()
}
