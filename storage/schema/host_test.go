package schema_test

import (
	"encoding/json"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/migrations"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

func encode(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// host answers requests about collections from a database of its own.
type host struct {
	t    *testing.T
	db   *sqlite.DB
	list []*schema.Collection
	now  time.Time
}

// emptyFiles opens data files with nothing in them.
func emptyFiles(t testing.TB) (db *sqlite.DB, aux *zsqlite.Conn) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: filepath.Join(t.TempDir(), "data.db"), Sync: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	aux, err = zsqlite.OpenConn(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(); aux.Close() })
	return db, aux
}

func newHost(t *testing.T) *host {
	t.Helper()
	db, aux := emptyFiles(t)
	h := &host{t: t, db: db, now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	err := h.write(func(conn *zsqlite.Conn) error {
		if err := migrations.Bootstrap(conn, aux, h.now); err != nil {
			return err
		}
		return sqlitex.ExecuteTransient(conn, "INSERT INTO _superusers (id, email, password, tokenKey, verified, created)"+
			" VALUES ('aaaaaaaaaaaaaaa', 'root@example.com', '$2a$10$' || hex(randomblob(26)), ?1, 1, '2026-01-01 00:00:00.000Z')",
			&sqlitex.ExecOptions{Args: []any{schema.NewSecret()}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// write runs fn as a schema change and reads the collections again.
func (h *host) write(fn func(conn *zsqlite.Conn) error) error {
	h.t.Helper()
	var list []*schema.Collection
	err := h.db.Change(h.t.Context(), func(tx *sqlite.Tx) error {
		err := fn(tx.Conn())
		if err == nil {
			list, err = schema.Load(tx.Conn())
		}
		return err
	}, func() { h.list = list })
	return err
}

// change runs fn and checks that what it kept in memory is what was stored.
func (h *host) change(fn func(ch *schema.Change) error) error {
	h.t.Helper()
	h.now = h.now.Add(time.Second)
	var kept []*schema.Collection
	err := h.write(func(conn *zsqlite.Conn) error {
		ch := schema.NewChange(h.t.Context(), conn, schema.NewCatalogue(1, h.list).Collections, h.now, filter.Check)
		err := fn(ch)
		kept = ch.Collections()
		return err
	})
	if err != nil {
		return err
	}
	for i, c := range h.list {
		if got, want := kept[i].Row(), c.Row(); !reflect.DeepEqual(got, want) {
			h.t.Errorf("collection %s: row differs from what was kept in memory:\n%+v\n%+v", c.Name, got, want)
		}
	}
	return nil
}
