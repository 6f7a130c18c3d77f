package sqlite

import (
	"context"
	"errors"
	"testing"
	"time"
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

func TestLaw13_ConsoleRowsAreBounded(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	err := db.Read(t.Context(), func(r *Reader) error {
		out, err := r.Console("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
		if err == nil && len(out.Rows) != maxConsoleRows {
			t.Errorf("%d rows of an endless statement", len(out.Rows))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
