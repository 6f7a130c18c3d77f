package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/budget"
)

// Law 13: groups end at a number of units and at a number of bytes, pinned snapshots and the console's rows are bounded.
// Queue, Readers, statements and rows of extensions have tests of their own.

func TestLaw13_GroupsAreBounded(t *testing.T) {
	var groups []int
	db := openTest(t, Options{Committed: func(g Group) { groups = append(groups, len(g.Changes)) }}, tableT)
	many := make([]Work, 3*maxGroupUnits)
	for i := range many {
		many[i] = insert(i)
	}
	for i, err := range together(t, db, many) {
		if err != nil {
			t.Errorf("unit %d: %v", i, err)
		}
	}
	total := 0
	for _, n := range groups {
		if total += n; n > maxGroupUnits {
			t.Errorf("a group of %d units", n)
		}
	}
	if total != len(many) {
		t.Errorf("%d changes, want %d", total, len(many))
	}
}

func TestLaw13_PinsAreBounded(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	var releases []func()
	defer func() {
		for _, release := range releases {
			release()
		}
	}()
	for range maxPinned {
		_, release, err := db.Pin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		releases = append(releases, release)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, release, err := db.Pin(ctx); err == nil {
		release()
		t.Error("one too many was pinned")
	} else if !errors.Is(err, ErrBusy) && !errors.Is(err, ErrInterrupted) {
		t.Error(err)
	}
}

// endlessly gives as many rows as somebody takes, with i as the number of the row.
func endlessly(columns string) string {
	return "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT " + columns + " FROM n"
}

func TestLaw13_ConsoleRowsAreBounded(t *testing.T) {
	rows := budget.New(100<<20).Share("rows", 100, 50)
	db := openTest(t, Options{Rows: rows}, tableT)
	ctx := budget.WithClient(t.Context(), "10.0.0.1")
	for _, c := range []struct {
		name, sql string
		rows      int
		err       error
	}{
		{"number", endlessly("i"), maxConsoleRows, nil},
		{"bytes", endlessly("randomblob(100000)"), 0, ErrTooLarge},
		{"one value", "SELECT zeroblob(" + fmt.Sprint(maxConsoleBytes) + ")", 0, ErrTooLarge},
		{"a value that is not built", "SELECT length(hex(zeroblob(900000000)))", 0, ErrTooLarge},
		{"random bytes", "SELECT randomblob(900000000)", 0, ErrTooLarge},
		{"a text that is not built", "SELECT printf('%1000000000d', 1)", 0, ErrTooLarge},
		{"a group", "SELECT length(group_concat(zeroblob(1000000))) FROM (" + endlessly("i") + " LIMIT 100)", 0, ErrTooLarge},
		{"the rows of all but the last statement are gone", endlessly("zeroblob(5000)") + " LIMIT 900; " + endlessly("zeroblob(5000)") + " LIMIT 900", 900, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := db.Read(ctx, func(r *Reader) error {
				out, err := r.Console(c.sql)
				if err != nil {
					return err
				}
				size := int64(0)
				for _, row := range out.Rows {
					size += int64(len(*row[0]))
				}
				if used := rows.Usage().Used; used < 2*size || used > 4*maxConsoleBytes {
					t.Errorf("%d bytes are charged for %d", used, size)
				}
				if len(out.Rows) != c.rows {
					t.Errorf("%d rows", len(out.Rows))
				}
				out.Release()
				out.Release()
				return nil
			})
			if !errors.Is(err, c.err) || err != nil && !strings.Contains(Told(err).Error(), "bytes") {
				t.Errorf("%v, want %v", err, c.err)
			}
			if u := rows.Usage(); u.Used != 0 || u.Clients != 0 {
				t.Errorf("still charged: %+v", u)
			}
		})
	}
}

// The rows of several answers together are bounded, client by client.
func TestLaw13_ConsoleRowsAreCharged(t *testing.T) {
	rows := budget.New(2<<20).Share("rows", 100, 50)
	db := openTest(t, Options{Rows: rows}, tableT)
	ask := func(client string) (out *ConsoleResult, err error) {
		err = db.Read(budget.WithClient(t.Context(), client), func(r *Reader) (err error) {
			out.Release()
			out, err = r.Console("SELECT zeroblob(300000)")
			return err
		})
		return out, err
	}
	var full *budget.FullError
	first, err := ask("10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ask("10.0.0.1"); !errors.As(err, &full) || !full.Client {
		t.Errorf("beyond what a client may have: %v", err)
	}
	second, err := ask("10.0.0.2")
	if err != nil {
		t.Error(err)
	}
	first.Release()
	if again, err := ask("10.0.0.1"); err != nil {
		t.Error(err)
	} else {
		again.Release()
	}
	second.Release()
}

// What a statement sorts goes to a file when it grows, and other reads of the connection are as before.
func TestLaw13_ConsoleSpills(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	if err := db.Read(t.Context(), func(r *Reader) error {
		out, err := r.Console("PRAGMA temp_store")
		if err != nil {
			return err
		}
		if *out.Rows[0][0] != "1" {
			t.Errorf("temp_store is %s", *out.Rows[0][0])
		}
		return r.conn.queryRow("PRAGMA temp_store", func(s *zsqlite.Stmt) {
			if s.ColumnInt(0) != 2 {
				t.Errorf("temp_store is %d afterwards", s.ColumnInt(0))
			}
		})
	}); err != nil {
		t.Error(err)
	}
}

func TestLaw13_ConsoleEndsWithItsCaller(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	err := db.Read(ctx, func(r *Reader) error {
		_, err := r.Console(endlessly("count(*)"))
		return err
	})
	if !errors.Is(err, ErrInterrupted) {
		t.Errorf("an endless statement: %v", err)
	}
}
