package writes_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// bigFamily opens an application with a record that many others refer to, and go along with.
func bigFamily(t *testing.T, dir string, many int) (a *app.App, parents, kids *schema.Collection, parent string) {
	t.Helper()
	a, err := app.Open(context.Background(), app.Options{Dir: dir, Sync: sqlite.Normal, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	parents = define(t, a, `{"name":"parents","type":"base","fields":[{"name":"n","type":"number"}]}`)
	kids = define(t, a, `{"name":"kids","type":"base","fields":[{"name":"up","type":"relation","collectionId":"@parents","maxSelect":1,"cascadeDelete":true}]}`)
	parent = mustAdd(t, a, parents, nil)
	exec(t, a, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO kids (id, up) SELECT printf('%015d', i), ? FROM n", many, parent)
	return a, parents, kids, parent
}

func exec(t *testing.T, a *app.App, sql string, args ...any) {
	t.Helper()
	err := a.DB.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		tx.Touch("kids")
		return tx.Exec(sql, args...)
	}))
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// A write that meets a deletion under way waits for its end, and then says what is so: it is never told to come again, and
// leaves nothing behind.
func TestWritesBesideABigDeletion(t *testing.T) {
	a, parents, kids, parent := bigFamily(t, t.TempDir(), 10_000)
	ctx := context.Background()
	gone := make(chan error, 1)
	go func() { gone <- remove(ctx, a, parents, parent) }()
	created := 0
	for {
		_, err := add(ctx, a, kids, map[string]any{"up": parent})
		if err == nil {
			created++
			continue
		}
		if !errors.As(err, new(validation.Errors)) {
			t.Fatalf("%v, want that there is no such record to refer to", err)
		}
		break
	}
	if err := eventually.Receive(t, "the deletion", gone); err != nil {
		t.Fatal(err)
	}
	if left := count(t, a, kids); left != 0 {
		t.Errorf("%d records are left, %d were created meanwhile", left, created)
	}
	if err := remove(ctx, a, parents, parent); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("the second deletion: %v", err)
	}
}

func TestBigDeletionInATransactionIsRefused(t *testing.T) {
	a, parents, kids, parent := bigFamily(t, t.TempDir(), 20_001)
	err := a.Records.RunInTransaction(context.Background(), func(ctx context.Context) error { return remove(ctx, a, parents, parent) })
	if !errors.Is(err, records.ErrTooBig) {
		t.Fatalf("%v, want %v", err, records.ErrTooBig)
	}
	cmd, _ := a.Store.PrepareDelete(parent, input(a, parents, nil))
	batch := &records.Batch{Commands: []records.Command{cmd}}
	if err := a.Writes.DoCommand(context.Background(), parents, batch, "test"); !errors.Is(err, records.ErrTooBig) {
		t.Fatalf("%v, want %v", err, records.ErrTooBig)
	}
	if n := count(t, a, kids); n != 20_001 {
		t.Errorf("%d records are left", n)
	}
}

// A change of collections waits for a deletion in pieces, which goes by the fields as they were.
func TestSchemaChangeWaitsForABigDeletion(t *testing.T) {
	a, parents, kids, parent := bigFamily(t, t.TempDir(), 5000)
	cmd, _ := a.Store.PrepareDelete(parent, input(a, parents, nil))
	ctx := context.Background()
	if _, err := a.Writes.HoldDeletions(ctx); err != nil {
		t.Fatal(err)
	}
	r, err := a.Store.BeginRemoval(ctx, cmd)
	if err != nil || r == nil {
		t.Fatal(r, err)
	}
	changed := make(chan error, 1)
	go func() {
		changed <- a.Catalogue.ChangeFunc(ctx, func(ch *schema.Change) error {
			c := a.Catalogue.Current().ByID(kids.ID).Clone()
			c.Name = "children"
			return ch.Update(c.ID, c)
		})
	}()
	eventually.True(t, "the change that waits", func() bool { return a.Writes.WaitingForDeletions() > 0 })
	if _, err := r.Step(ctx); err != nil {
		t.Fatal(err)
	}
	if a.Catalogue.Current().Find("kids") == nil {
		t.Fatal("the collection was changed in the middle of the deletion")
	}
	a.Writes.FinishRemoval(r)
	if err := eventually.Receive(t, "the change", changed); err != nil {
		t.Fatal(err)
	}
	if n := count(t, a, a.Catalogue.Current().Find("children")); n != 0 {
		t.Errorf("%d records are left", n)
	}
}

// What was decided when the application is closed counts as done, and the next start does it.
func TestCloseInTheMiddleOfABigDeletion(t *testing.T) {
	dir := t.TempDir()
	a, parents, kids, parent := bigFamily(t, dir, 10_000)
	gone := make(chan error, 1)
	go func() { gone <- remove(context.Background(), a, parents, parent) }()
	eventually.True(t, "the first piece", func() bool { return count(t, a, kids) < 10_000 })
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := eventually.Receive(t, "the answer", gone); err != nil {
		t.Fatal(err)
	}
	b, err := app.Open(context.Background(), app.Options{Dir: dir, Exclusive: true})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	eventually.True(t, "the end of the deletion", func() bool { return count(t, b, kids) == 0 && count(t, b, parents) == 0 })
}

// A deletion that cannot be done, because somebody put a trigger in its way, does not keep others away for ever.
func TestBigDeletionThatCannotBeDoneIsGivenUp(t *testing.T) {
	a, parents, kids, parent := bigFamily(t, t.TempDir(), 5000)
	ctx := context.Background()
	cmd, _ := a.Store.PrepareDelete(parent, input(a, parents, nil))
	r, err := a.Store.BeginRemoval(ctx, cmd)
	if err != nil || r == nil {
		t.Fatal(r, err)
	}
	exec(t, a, "CREATE TRIGGER keep BEFORE DELETE ON kids WHEN old.id = '000000000004000' BEGIN SELECT RAISE(ABORT, 'kept'); END")
	failures := 0
	err = a.Writes.DoPieces(r, func(error) { failures++ })
	if err == nil || !strings.Contains(err.Error(), "kept") || failures < writes.PieceTries {
		// A shorter piece may have ended before the record that stays, so there may be more of them.
		t.Fatalf("%v after %d failures", err, failures)
	}
	if err := change(ctx, a, parents, parent, map[string]any{"n": 2}); err != nil {
		t.Errorf("the record is still kept from others: %v", err)
	}
	if n := count(t, a, kids); n == 0 || n == 5000 {
		t.Errorf("%d records are left", n)
	}
}
