package console_test

import (
	"context"
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/app/apptest"
	"github.com/troupebase/troupe/actors/authority"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestStatements: what reads has rows and leaves compiled queries alone, what may change something has none and makes them stale.
func TestStatements(t *testing.T) {
	a := apptest.Open(t)
	for _, c := range []struct {
		query   string
		first   string // of the first row, "" for no rows
		changes bool
		message string // of the error
	}{
		{query: "SELECT name FROM _collections WHERE name = 'users'", first: "users"},
		{query: "  select [[name]] FROM {{_collections}} WHERE name = 'users'  ", first: "users"},
		{query: "PRAGMA user_version", first: "0"},
		{query: "CREATE TABLE kept (x TEXT)", changes: true},
		{query: "insert into kept VALUES ('1'), ('2')", changes: true},
		{query: "SELECT count(*) FROM kept", first: "2"},
		{query: "UPDATE kept SET x = '3'", changes: true},
		{query: "DROP TABLE kept", changes: true},
		{query: " ", message: sqlite.ErrEmptyQuery.Error()},
		{query: "SELECT {:x}", message: "Named parameter not found: x"},
	} {
		before := a.Catalogue.Current().Number
		out, err := a.Console.Run(t.Context(), c.query)
		if c.message != "" {
			if err == nil || err.Error() != c.message {
				t.Errorf("%s: %v", c.query, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		if (c.first != "") != (len(out.Rows) > 0) || c.first != "" && *out.Rows[0][0] != c.first {
			t.Errorf("%s: rows %v", c.query, out.Rows)
		}
		if after := a.Catalogue.Current().Number; (after != before) != c.changes {
			t.Errorf("%s: the catalogue went from %d to %d", c.query, before, after)
		}
		out.Release()
	}
}

// TestWhoMayRunSQL: only superusers, for reads and writes; inside of a transaction nobody changes anything.
func TestWhoMayRunSQL(t *testing.T) {
	a := apptest.Open(t)
	guest := authority.ActingAs(t.Context(), records.Caller{Request: &filter.Request{}})
	for _, query := range []string{"SELECT 1", "DELETE FROM users"} {
		if _, err := a.Console.Run(guest, query); !errors.Is(err, records.ErrForbidden) {
			t.Errorf("%s by a guest: %v", query, err)
		}
	}
	err := a.Writes.RunInTransaction(t.Context(), func(ctx context.Context) error {
		_, err := a.Console.Run(ctx, "DELETE FROM users")
		return err
	})
	if !errors.Is(err, writes.ErrInTransaction) {
		t.Errorf("in a transaction: %v", err)
	}
}
