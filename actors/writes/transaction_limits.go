package writes

import (
	"context"
	"time"
)

// maxTransactions is how many transactions may be under way or wait that belong to no collection: those of programs, of batches,
// and those that extensions begin. It is as many as a collection admits commands; the atomic writes of a collection count
// among its commands.
const maxTransactions = maxAdmitted

// maxCallUnderWriter is how long one call of an extension may run where it holds the Writer, whatever its limits are
// elsewhere: a second in which nobody writes is what others can be asked to bear for one hook.
const maxCallUnderWriter = time.Second

// truncateTimeout is how long a truncate with hooks may take.
const truncateTimeout = 30 * time.Second

// defaultTransactionTimeout is how long a transaction with user code may take where the settings do not say (that of
// batches).
const defaultTransactionTimeout = 3 * time.Second

// UnderWriter is how much of its own time a call of an extension may take that is part of a transaction; 0 for one that is not, which
// nothing bounds but its own limits.
func UnderWriter(ctx context.Context) time.Duration {
	if scopeOf(ctx).tx == nil {
		return 0
	}
	return maxCallUnderWriter
}

func (a *Service) transactionTimeout() time.Duration {
	if seconds := a.settings().Batch.Timeout; seconds > 0 {
		return time.Duration(seconds) * time.Second
	}
	return defaultTransactionTimeout
}
