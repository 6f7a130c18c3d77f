// Package authority says on whose behalf something is done that only superusers may do: changes of collections and of settings, and
// SQL. [ActingAs] notes it in a context when a request comes in; [Check] judges it where the change is made.
package authority

import (
	"context"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

type key struct{}

// ActingAs returns a context for what who asks for. What only superusers may do fails with records.ErrForbidden in it unless who is
// still a superuser in the transaction that makes the change, or in the snapshot that is read. Without it the server itself acts.
func ActingAs(ctx context.Context, who records.Caller) context.Context {
	return context.WithValue(ctx, key{}, who)
}

// Of returns for whom ctx acts, nil for the server itself.
func Of(ctx context.Context) *records.Caller {
	if who, ok := ctx.Value(key{}).(records.Caller); ok {
		return &who
	}
	return nil
}

// Check fails with records.ErrForbidden unless who is a superuser in the state that p reads, under the definitions of that state. Who
// is nil is the server itself, which may do everything.
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
