package app

import (
	"context"

	"github.com/troupebase/troupe/storage/records"
)

type authorityKey struct{}

// ActingAs returns a context for what only superusers may do: changes of settings and of collections, and SQL. They fail
// with records.ErrForbidden unless the caller is still a superuser in the transaction that makes the change, or in the
// snapshot that is read. Without it the server itself acts.
func ActingAs(ctx context.Context, who records.Caller) context.Context {
	return context.WithValue(ctx, authorityKey{}, who)
}

// authorityOf returns for whom ctx acts, nil for the server itself.
func authorityOf(ctx context.Context) *records.Caller {
	if who, ok := ctx.Value(authorityKey{}).(records.Caller); ok {
		return &who
	}
	return nil
}

// authorize tells whether whoever ctx acts for is a superuser in the state that p reads.
func (a *App) authorize(ctx context.Context, p records.Preparer) error {
	return a.authorizeCaller(authorityOf(ctx), p)
}

func (a *App) authorizeCaller(who *records.Caller, p records.Preparer) error {
	if who == nil {
		return nil
	}
	now, err := a.store.Current(a.Catalogue(), p, *who)
	if err == nil && !now.Superuser {
		err = records.ErrForbidden
	}
	return err
}
