package guests

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/sqlite"
)

// TestCallsAreBounded: one extension leaves room for others, all together have a bound, and what finds no room is lost loudly.
func TestCallsAreBounded(t *testing.T) {
	g := newCallsRig(t)
	g.bounds = callBounds{callsEach: 3, bytesEach: 1 << 20, calls: 5, bytes: 1 << 20}
	for i := range 4 {
		g.note("a", fmt.Sprint("a", i))
	}
	for i := range 4 {
		g.note("b", fmt.Sprint("b", i))
	}
	totals := g.Totals()
	if a, b := totals["a"], totals["b"]; a.Waiting != 3 || a.Lost != 1 || b.Waiting != 2 || b.Lost != 2 {
		t.Errorf("%+v", totals)
	}
	for _, part := range []string{"is lost", "extension=a", "record=a3", `title\":\"content`, "method=POST", "path=/p", "auth=u1", "ip=10.1.1.1"} {
		if log := g.log.String(); !strings.Contains(log, part) {
			t.Errorf("the log does not have %q:\n%s", part, log)
		}
	}
	g.bounds = callBounds{callsEach: 100, bytesEach: totals["a"].Bytes + 10, calls: 100, bytes: totals["a"].Bytes + totals["b"].Bytes + 600}
	g.note("a", "too long")
	g.note("b", "fits")
	g.note("b", "not any more")
	if totals := g.Totals(); totals["a"].Lost != 2 || totals["b"].Waiting != 3 || totals["b"].Lost != 3 {
		t.Errorf("%+v", totals)
	}
}

// TestCallsThatCannotBeKept: when the outcome of keeping one is bad, the log has what it takes to do it by hand.
func TestCallsThatCannotBeKept(t *testing.T) {
	g := newCallsRig(t)
	if err := g.db.Close(); err != nil {
		t.Fatal(err)
	}
	g.note("x", "r1")
	if log := g.log.String(); !strings.Contains(log, "is lost") || !strings.Contains(log, "record=r1") || g.Totals()["x"].Lost != 1 {
		t.Errorf("%+v\n%s", g.Totals(), log)
	}
}

// TestCallsAndADroppedTable: when another program drops the table the next call is kept all the same.
func TestCallsAndADroppedTable(t *testing.T) {
	g := newCallsRig(t)
	g.note("x", "r1")
	conn, err := zsqlite.OpenConn(g.path, zsqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	conn.SetBusyTimeout(10 * time.Second)
	stmt, _, err := conn.PrepareTransient("DROP TABLE _troupe_extension_calls")
	if err == nil {
		_, err = stmt.Step()
		err = errors.Join(err, stmt.Finalize())
	}
	if err = errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	if list, total, err := g.List(t.Context(), calls.Wanted{Limit: 10}); err != nil || total != 0 || len(list) != 0 {
		t.Error(list, total, err)
	}
	id := g.note("x", "r2")
	if h, err := g.Get(t.Context(), id); err != nil || h.Record != "r2" {
		t.Fatal(err)
	}
	g.begin()
	g.eventually("both are off", func() bool { return len(g.Totals()) == 0 })
	if g.attempts() != 1 {
		t.Errorf("made %q", g.made)
	}
}

// TestCallsAfterARestart: what was kept, and how often it was tried, is there again; a row that cannot be read is shown and not made.
func TestCallsAfterARestart(t *testing.T) {
	g := newCallsRig(t)
	g.do = func(*calls.Header) error { return errBroken }
	g.begin()
	id := g.note("x", "r1")
	g.note("x", "r1")
	g.eventually("the first is tried", func() bool { h, err := g.Get(t.Context(), id); return err == nil && h.Attempts == 1 })
	bad := g.note("x", "r2")
	spoil := sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		return tx.Exec("UPDATE `_troupe_extension_calls` SET `asker` = '{' WHERE `id` = ?", bad)
	})
	if err := g.db.Do(t.Context(), spoil); err != nil {
		t.Fatal(err)
	}
	g.stop()
	if err := g.db.Close(); err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	g.made, g.do = nil, nil
	g.mu.Unlock()
	g.open()
	g.pass(time.Hour)
	g.begin()
	g.eventually("the others are made", func() bool { return g.Totals()["x"].Waiting == 0 })
	if g.made[0] != "r1" || len(g.made) < 2 {
		t.Errorf("made %q", g.made)
	}
	h, err := g.Get(t.Context(), bad)
	if err != nil || h.Unreadable == nil {
		t.Errorf("%+v, %v", h, err)
	}
}
