package guests

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxStatement is how long one statement that writes may hold the Writer: what others can be asked to bear for it, like for a call of
// user code there.
const maxStatement = time.Second

// ErrStatementTime says that a statement that writes was stopped because it held the Writer for too long. Nothing of it was
// written, and it makes no sense to try it again.
var ErrStatementTime = fmt.Errorf("a statement that writes took more than %v and was undone", maxStatement)

// StatementError is a failure of a statement itself, in contrast to one of what it ran in.
type StatementError struct{ Err error }

// Error is the text of the failure, in SQLite's words.
func (e *StatementError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *StatementError) Unwrap() error { return e.Err }

func ofStatement(err error) error {
	if err == nil {
		return nil
	}
	return &StatementError{err}
}

// SQL runs one statement. What only reads runs on a Reader, what writes alone in a transaction; both join the transaction that
// the chain of calls holds. Secrets cannot be read, nor credentials set without the permission. It fails with a *[StatementError],
// or with the errors of transactions.
func (a *Access) SQL(ctx context.Context, s Scope, q *sqlite.Query) (out *sqlite.QueryResult, err error) {
	if !writes.InTransaction(ctx) {
		err = a.db.Read(ctx, func(r *sqlite.Reader) error {
			a.guard(s, q)
			reads, err := r.ReadOnly(q)
			if err == nil && !reads {
				err = sqlite.ErrWrites
			}
			if err == nil {
				out, err = r.Query(ctx, q)
			}
			return ofStatement(err)
		})
		if !errors.Is(err, sqlite.ErrWrites) {
			return out, err
		}
	}
	err = a.writes.RunAlone(ctx, s.client(), func(ctx context.Context) error {
		within, end := context.WithTimeout(ctx, maxStatement)
		defer end()
		return writes.WithTx(ctx, func(tx *sqlite.Tx) (err error) {
			a.guard(s, q)
			out, err = tx.Query(within, q)
			if err != nil && within.Err() != nil && ctx.Err() == nil && errors.Is(err, sqlite.ErrInterrupted) {
				err = fmt.Errorf("%w: %v", ErrStatementTime, err)
			}
			return ofStatement(err)
		})
	})
	return out, err
}

// guard tells a statement what it may not touch, by the collections as they are when it runs: passwords under whatever name,
// keys of tokens, and without the permission what decides who can sign in.
func (a *Access) guard(s Scope, q *sqlite.Query) {
	q.Secret, q.Fixed = make(map[string][]string), make(map[string][]string)
	for _, c := range a.catalogue().Collections {
		table := strings.ToLower(c.Name)
		for _, f := range c.Fields {
			if schema.Secret(c, f) {
				q.Secret[table] = append(q.Secret[table], strings.ToLower(f.Base().Name))
			}
		}
		if c.IsAuth() && !s.Credentials {
			q.Fixed[table] = []string{"email", "verified"}
		}
	}
}
