package writes_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

func open(t testing.TB) *app.App {
	t.Helper()
	a, err := app.Open(context.Background(), app.Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return a
}

func makeDocs(t testing.TB, a *app.App) *schema.Collection {
	t.Helper()
	err := a.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error {
		c, err := schema.DecodeNew([]byte(`{"name":"docs","type":"base","fields":[{"name":"t","type":"text"}],"listRule":"","viewRule":""}`))
		if err != nil {
			return err
		}
		return ch.Create(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Catalogue.Current().Find("docs")
}

func prepare(t testing.TB, a *app.App, c *schema.Collection, text string) *records.Create {
	t.Helper()
	cmd, err := a.Store.PrepareCreate(context.Background(), records.WriteInput{
		CollectionID: c.ID, Body: map[string]any{"t": text}, SkipRules: true,
		Caller: records.Caller{Request: &filter.Request{Context: "default", Method: "POST"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

func create(t testing.TB, a *app.App, c *schema.Collection, text string, fault func()) (string, error) {
	t.Helper()
	cmd := prepare(t, a, c, text)
	err := a.Writes.Order(context.Background(), c, a.Writes.Work(cmd), fault)
	return cmd.ID(), err
}

func boom() { panic("boom") }

// TestPanicsOfACollectionsActor: a hundred panics of one collection's actor under load. Every caller is answered, whoever
// was answered with success finds his record, and a write succeeds afterwards.
func TestPanicsOfACollectionsActor(t *testing.T) {
	const panics, writers, each = 100, 8, 50
	a := open(t)
	c := makeDocs(t, a)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var acknowledged []string
	for range writers {
		wg.Go(func() {
			for range each {
				id, err := create(t, a, c, "x", nil)
				if err != nil {
					t.Errorf("a write beside the panics: %v", err)
					continue
				}
				mu.Lock()
				acknowledged = append(acknowledged, id)
				mu.Unlock()
			}
		})
	}
	for range panics {
		wg.Go(func() {
			began := time.Now()
			_, err := create(t, a, c, "never", boom)
			if p := (*routine.Panic)(nil); !errors.As(err, &p) {
				t.Errorf("the caller of a panic got %v", err)
			}
			if took := time.Since(began); took >= writes.WriteTimeout {
				t.Errorf("answered after %v", took)
			}
		})
	}
	wg.Wait()
	id, err := create(t, a, c, "after", nil)
	if err != nil {
		t.Fatalf("a write after the panics: %v", err)
	}
	for _, id := range append(acknowledged, id) {
		if _, err := a.Store.Load(context.Background(), c.ID, id); err != nil {
			t.Errorf("acknowledged record %s: %v", id, err)
		}
	}
	if len(acknowledged) != writers*each {
		t.Errorf("%d of %d writes were acknowledged", len(acknowledged), writers*each)
	}
}

// TestPanicInsideTheWriter stays the unit's own, too.
func TestPanicInsideTheWriter(t *testing.T) {
	a := open(t)
	c := makeDocs(t, a)
	err := a.Writes.Order(context.Background(), c, sqlite.WorkFunc(func(*sqlite.Tx) error { panic("boom") }), nil)
	if p := (*routine.Panic)(nil); !errors.As(err, &p) {
		t.Errorf("got %v", err)
	}
	if _, err := create(t, a, c, "after", nil); err != nil {
		t.Error(err)
	}
}

// TestAdmissionIsBounded: whoever finds a collection full is told so at once.
func TestAdmissionIsBounded(t *testing.T) {
	a := open(t)
	c := makeDocs(t, a)
	var wg sync.WaitGroup
	free := holdWriter(t, a, c, &wg)
	var busy, written atomic.Int64
	for range writes.MaxAdmitted + 10 {
		cmd := prepare(t, a, c, "x")
		wg.Go(func() {
			switch err := a.Writes.DoCommand(context.Background(), c, cmd, "test"); {
			case err == nil:
				written.Add(1)
			case errors.Is(err, sqlite.ErrBusy):
				if busy.Add(1) == 11 {
					close(free) // nobody more is refused
				}
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if written.Load() != writes.MaxAdmitted-1 {
		t.Errorf("%d written, %d refused", written.Load(), busy.Load())
	}
}

// TestDeadlineInTheMailbox: a command whose time is up before its turn is not written.
func TestDeadlineInTheMailbox(t *testing.T) {
	a := open(t)
	c := makeDocs(t, a)
	var wg sync.WaitGroup
	free := holdWriter(t, a, c, &wg)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	cmd := prepare(t, a, c, "late")
	if err := a.Writes.DoCommand(ctx, c, cmd, "test"); !errors.Is(err, sqlite.ErrNotWritten) {
		t.Errorf("got %v", err)
	}
	close(free)
	wg.Wait()
	if _, err := a.Store.Load(context.Background(), c.ID, cmd.ID()); !errors.Is(err, records.ErrNotFound) {
		t.Errorf("the late record: %v", err)
	}
}

// TestCloseAnswersWhatWasAccepted: whoever was answered with success finds his record after the next start.
func TestCloseAnswersWhatWasAccepted(t *testing.T) {
	dir := t.TempDir()
	a, err := app.Open(context.Background(), app.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	c := makeDocs(t, a)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var acknowledged []string
	started := make(chan struct{}, 64)
	for w := range 64 {
		wg.Go(func() {
			for i := 0; ; i++ {
				id, err := create(t, a, c, fmt.Sprint(w, i), nil)
				if errors.Is(err, sqlite.ErrClosed) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				acknowledged = append(acknowledged, id)
				mu.Unlock()
				if i == 0 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 64 {
		<-started
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	again, err := app.Open(context.Background(), app.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, id := range acknowledged {
		if _, err := again.Store.Load(context.Background(), c.ID, id); err != nil {
			t.Errorf("acknowledged record %s: %v", id, err)
		}
	}
}

// holdWriter has a command hold the Writer until the channel that it returns is closed. wg ends after it.
func holdWriter(t *testing.T, a *app.App, c *schema.Collection, wg *sync.WaitGroup) (free chan struct{}) {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		if _, err := create(t, a, c, "holds", func() { close(held); <-free }); err != nil {
			t.Error(err)
		}
	})
	<-held
	return free
}
