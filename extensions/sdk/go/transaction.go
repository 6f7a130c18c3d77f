//go:build wasip1

package troupe

// Transaction runs f in one transaction: what it wrote is committed together when it returns nil, and none of it when it returns an
// error, panics, or when something that it could not return failed (see [Record]). Its error comes back unchanged; where f did all it
// wanted and the commit fails, that error does, and nothing was written.
//
// It is for routes. A hook before the write is in a transaction already when it is atomic, see [Hook.Atomic]; there, and inside of
// another Transaction, it is a savepoint: what f wrote is taken back alone. Other writers wait meanwhile, so do in it what has to be
// done together and nothing else.
func Transaction(f func() error) error {
	if n := hostTransactionBegin(); n < 0 {
		return hostError("transaction_begin", "", n)
	}
	open := true
	defer func() {
		if open {
			hostTransactionRollback()
		}
	}()
	if err := f(); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	open = false
	if n := hostTransactionCommit(); n < 0 {
		return hostError("transaction_commit", "", n)
	}
	return nil
}
