package main_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// crashRounds is how often the server is killed under load, unless TROUPE_CRASH_ROUNDS says otherwise.
const crashRounds = 20

func roundsOf(t *testing.T) int {
	t.Helper()
	text := os.Getenv("TROUPE_CRASH_ROUNDS")
	if text == "" {
		return crashRounds
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// crashWriters write side by side while the server is killed.
const crashWriters = 16

// TestKillUnderWriteLoad kills the server while clients write, and looks into the file: what was acknowledged is there,
// a batch of two related records is there as a whole or not at all, and the file is sound.
func TestKillUnderWriteLoad(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	superuser(t, dir)
	p := serve(t, dir)
	root := p.signIn()
	p.call("POST", "/api/collections", root, map[string]any{"name": "ledger", "type": "base", "createRule": "", "updateRule": "",
		"fields": []map[string]any{{"name": "n", "type": "number"}, {"name": "twin", "type": "number"}}}, 200)

	acknowledged := map[string]int{}
	for round := range roundsOf(t) {
		var mu sync.Mutex
		var wg sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		reached := make(chan struct{}, 1)
		wanted := 20 + rand.IntN(200)
		for w := range crashWriters {
			wg.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					n := round*1_000_000 + w*10_000 + i
					id := fmt.Sprintf("r%014d", n)
					a, err := p.try("POST", "/api/collections/ledger/records", "", map[string]any{"id": id, "n": n, "twin": n})
					if err != nil {
						return
					}
					if a.Status != http.StatusOK {
						t.Errorf("create: %d %s", a.Status, a.Body)
						return
					}
					up, err := p.try("PATCH", "/api/collections/ledger/records/"+id, "", map[string]any{"n": n + 1, "twin": n + 1})
					mu.Lock()
					acknowledged[id] = n
					if err == nil && up.Status == http.StatusOK {
						acknowledged[id] = n + 1
					}
					if len(acknowledged) >= (round+1)*wanted {
						select {
						case reached <- struct{}{}:
						default:
						}
					}
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
		}
		select {
		case <-reached:
		case <-time.After(startDeadline):
			t.Fatal("writers do not get on")
		}
		p.kill()
		cancel()
		wg.Wait()
		verifyLedger(t, dir, acknowledged)
		p = serve(t, dir)
	}
}

// verifyLedger opens the data file itself, so that no cache of a server can hide a loss.
func verifyLedger(t *testing.T, dir string, acknowledged map[string]int) {
	t.Helper()
	conn, err := sqlite.OpenConn(filepath.Join(dir, "data.db"), sqlite.OpenReadWrite, sqlite.OpenWAL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	stored := map[string]int{}
	err = sqlitex.ExecuteTransient(conn, "SELECT id, n, twin FROM ledger", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		if s.ColumnInt(1) != s.ColumnInt(2) {
			t.Errorf("%s is half-written: %d and %d", s.ColumnText(0), s.ColumnInt(1), s.ColumnInt(2))
		}
		stored[s.ColumnText(0)] = s.ColumnInt(1)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range acknowledged {
		// An update that was under way when the server died may or may not be there; what was answered must be.
		if got, ok := stored[id]; !ok || got < n {
			t.Errorf("%s: acknowledged %d, stored %d (%v)", id, n, got, ok)
		}
	}
	err = sqlitex.ExecuteTransient(conn, "PRAGMA integrity_check", &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		if s.ColumnText(0) != "ok" {
			t.Errorf("integrity_check: %s", s.ColumnText(0))
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}
