package guests

import (
	"context"
	"errors"
	"strings"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

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
	err = a.writes.RunInTransaction(ctx, func(ctx context.Context) error {
		return writes.WithTx(ctx, func(tx *sqlite.Tx) (err error) {
			a.guard(s, q)
			out, err = tx.Query(ctx, q)
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
