package calls_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/sqlite"
)

func open(t *testing.T) *sqlite.DB {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.db")
	conn, err := zsqlite.OpenConn(path)
	if err == nil {
		err = errors.Join(calls.CreateTable(conn), calls.CreateTable(conn), conn.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	db, err := sqlite.Open(t.Context(), sqlite.Options{Path: path, Sync: sqlite.Normal})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func write(t *testing.T, db *sqlite.DB, fn func(tx *sqlite.Tx) error) {
	t.Helper()
	if err := db.Do(t.Context(), sqlite.WorkFunc(fn)); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, db *sqlite.DB, fn func(r *sqlite.Reader) error) {
	t.Helper()
	if err := db.Read(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// TestTable: what is written is read as it was, by id, in pages, and by what is asked for.
func TestTable(t *testing.T) {
	db := open(t)
	at := time.UnixMilli(1_800_000_000_123)
	want := calls.Call{
		ID: "one", Extension: "a", Hook: "record.create.success [] 0", Event: "record.create.success", Collection: "c", Record: "r", Data: []byte(`{"id":"r"}`),
		Asker: &calls.Asker{Method: "POST", Path: "/x", IP: "ip", Situation: "default", Collection: "u", Record: "w", Superuser: true},
		Depth: 2, Attempts: 3, Next: at.Add(time.Second), Error: "why", Created: at, State: calls.Waiting,
	}
	second := calls.Call{ID: "two", Extension: "b", Next: at, Created: at, State: calls.GivenUp, Data: []byte(strings.Repeat("x", calls.MaxRecord+1)), Error: strings.Repeat("é", calls.MaxError)}
	write(t, db, func(tx *sqlite.Tx) error { return errors.Join(calls.Insert(tx, &want), calls.Insert(tx, &second)) })
	if want.Number == 0 || second.Number <= want.Number {
		t.Errorf("numbers %d, %d", want.Number, second.Number)
	}
	read(t, db, func(r *sqlite.Reader) error {
		h, err := calls.Get(r, "one")
		if err != nil || !reflect.DeepEqual(h.Call, want) || h.DataBytes != len(want.Data) || h.Bytes() != want.Bytes() {
			t.Errorf("%+v, %v", h, err)
		}
		if h, err = calls.Get(r, "two"); err != nil || h.Data != nil || h.DataBytes != 0 || len(h.Error) > calls.MaxError || h.Asker != nil {
			t.Errorf("%+v, %v", h, err)
		}
		if _, err = calls.Get(r, "three"); !errors.Is(err, calls.ErrNotFound) {
			t.Error(err)
		}
		list, err := calls.Headers(r, 0, 10)
		if err != nil || len(list) != 2 || list[0].Data != nil || list[0].DataBytes != len(want.Data) {
			t.Errorf("%+v, %v", list, err)
		}
		if list, err = calls.Headers(r, want.Number, 10); err != nil || len(list) != 1 || list[0].ID != "two" {
			t.Errorf("%+v, %v", list, err)
		}
		checkPages(t, r)
		return nil
	})
	want.Attempts, want.State, want.Error = 4, calls.GivenUp, "still"
	write(t, db, func(tx *sqlite.Tx) error {
		return errors.Join(calls.Update(tx, &want), calls.Remove(tx, "two"), calls.Remove(tx, "two"))
	})
	write(t, db, func(tx *sqlite.Tx) error { return calls.Update(tx, &second) }) // which is gone
	read(t, db, func(r *sqlite.Reader) error {
		list, err := calls.Headers(r, 0, 10)
		if err != nil || len(list) != 1 || list[0].Attempts != 4 || list[0].State != calls.GivenUp || list[0].Error != "still" {
			t.Errorf("%+v, %v", list, err)
		}
		return nil
	})
	write(t, db, func(tx *sqlite.Tx) error { return calls.ReplayAll(tx, "a", at.Add(time.Hour)) })
	read(t, db, func(r *sqlite.Reader) error {
		h, err := calls.Get(r, "one")
		if err != nil || h.Attempts != 0 || h.State != calls.Waiting || !h.Next.Equal(at.Add(time.Hour)) {
			t.Errorf("%+v, %v", h, err)
		}
		return nil
	})
}

// checkPages asks for the two calls of TestTable in many ways.
func checkPages(t *testing.T, r *sqlite.Reader) {
	t.Helper()
	for _, c := range []struct {
		wanted calls.Wanted
		total  int
		ids    string
	}{
		{calls.Wanted{Limit: 10, Shown: 100}, 2, "one two"}, {calls.Wanted{Limit: 1}, 2, "one"}, {calls.Wanted{Limit: 1, Offset: 1}, 2, "two"}, {calls.Wanted{Limit: 5, Offset: 2}, 2, ""},
		{calls.Wanted{Limit: 5, Extension: "b"}, 1, "two"}, {calls.Wanted{Limit: 5, State: calls.Waiting}, 1, "one"}, {calls.Wanted{Limit: 5, Extension: "b", State: calls.Waiting}, 0, ""},
	} {
		list, total, err := calls.List(r, c.wanted)
		var ids []string
		for _, h := range list {
			ids = append(ids, h.ID)
			if (h.Data != nil) != (h.ID == "one" && c.wanted.Shown > 0) {
				t.Errorf("%+v shows %q", c.wanted, h.Data)
			}
		}
		if err != nil || total != c.total || strings.Join(ids, " ") != c.ids {
			t.Errorf("%+v: %d, %q, %v", c.wanted, total, ids, err)
		}
	}
}

// TestRowsOfOthers: what somebody else wrote into the table is an error of its row alone.
func TestRowsOfOthers(t *testing.T) {
	db := open(t)
	for _, set := range []string{"`asker` = '{'", "`asker` = x'ff'", "`state` = 'asleep'", "`attempts` = 'many', `depth` = -5, `state` = x'00'", "`asker` = '5'"} {
		write(t, db, func(tx *sqlite.Tx) error {
			return errors.Join(calls.Insert(tx, &calls.Call{ID: "bad", State: calls.Waiting, Asker: &calls.Asker{}}), calls.Insert(tx, &calls.Call{ID: "good", State: calls.Waiting}), tx.Exec("UPDATE `_troupe_extension_calls` SET "+set+" WHERE `id` = 'bad'"))
		})
		read(t, db, func(r *sqlite.Reader) error {
			list, err := calls.Headers(r, 0, 10)
			if err != nil || len(list) != 2 || list[0].Unreadable == nil || list[1].Unreadable != nil || list[0].Depth < 0 {
				t.Errorf("%s: %+v, %v", set, list, err)
			}
			return nil
		})
		write(t, db, func(tx *sqlite.Tx) error { return errors.Join(calls.Remove(tx, "bad"), calls.Remove(tx, "good")) })
	}
}
