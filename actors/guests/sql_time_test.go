package guests_test

import (
	"context"
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/guests"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestStatementTime: a statement that writes and does not end is stopped, outside and inside of a transaction, leaves nothing, and says that
// trying again does not help. Of the transaction the rest is not kept either.
func TestStatementTime(t *testing.T) {
	a := open(t)
	access, scope := a.Guests.Access(), guests.Scope{Name: "test", Permits: permits("things")}
	count := func() int64 {
		t.Helper()
		out, err := access.SQL(t.Context(), scope, &sqlite.Query{SQL: "SELECT count(*) FROM things WHERE text LIKE 'n%'", MaxRows: 1})
		if err != nil || len(out.Rows) != 1 {
			t.Fatal(out, err)
		}
		return int64(out.Rows[0][1] - '0') // [0]
	}
	endless := func(ctx context.Context) error {
		_, err := access.SQL(ctx, scope, &sqlite.Query{
			SQL: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO things (id, text) SELECT 'n' || i, 'n' || i FROM n",
		})
		return err
	}
	for name, run := range map[string]func() error{
		"alone": func() error { return endless(t.Context()) },
		"in a transaction": func() error {
			return a.Writes.RunInTransaction(t.Context(), func(ctx context.Context) error {
				if _, err := access.Create(ctx, scope, "things", map[string]any{"text": "n before"}); err != nil {
					return err
				}
				return endless(ctx)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := run()
			if !errors.Is(err, guests.ErrStatementTime) {
				t.Errorf("%v, want %v", err, guests.ErrStatementTime)
			}
			if outcome := writes.OutcomeOf(err); outcome != writes.Judged {
				t.Errorf("the outcome is %v, want one that is not tried again", outcome)
			}
			if n := count(); n != 0 {
				t.Errorf("%d records are left of it", n)
			}
		})
	}
	if _, err := access.Create(t.Context(), scope, "things", map[string]any{"text": "m"}); err != nil {
		t.Errorf("a write after it: %v", err)
	}
}
