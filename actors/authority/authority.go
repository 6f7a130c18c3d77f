// Package authority is about what only superusers may do: changes of collections and of settings, and SQL. [ActingAs] notes in a context
// who asks for it; [Check] tells, in the transaction that does it, whether he may.
package authority

import (
	"context"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

type key struct{}

// ActingAs returns a context for the requests of a caller. With it, what only superusers may do fails with records.ErrForbidden unless the
// caller is one in the transaction that makes the change, or in the snapshot that is read: he may have been one only when the request
// came. With any other context the server itself acts.
func ActingAs(ctx context.Context, who records.Caller) context.Context {
	return context.WithValue(ctx, key{}, who)
}

// Of returns the caller on whose behalf ctx acts, nil for the server itself.
func Of(ctx context.Context) *records.Caller {
	if who, ok := ctx.Value(key{}).(records.Caller); ok {
		return &who
	}
	return nil
}

// Check fails with records.ErrForbidden unless who is a superuser in the state that p reads; definitions are those of that state. nil
// stands for the server itself, which may do everything. It fails with the errors of the database, too.
func Check(store *records.Store, definitions *schema.Catalogue, p records.Preparer, who *records.Caller) error {
	if who == nil {
		return nil
	}
	now, err := store.Current(definitions, p, *who)
	if err == nil && !now.Superuser {
		err = records.ErrForbidden
	}
	return err
}
