package admission_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/sqlite"
)

func TestGate(t *testing.T) {
	var closing atomic.Bool
	g := admission.Gate{Max: 2, Closing: &closing}
	for range 2 {
		if err := g.Enter(); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		if err := g.Enter(); !errors.Is(err, sqlite.ErrBusy) {
			t.Fatalf("beyond the bound: %v", err)
		}
	}
	g.Leave()
	if err := g.Enter(); err != nil {
		t.Errorf("after one has left: %v", err)
	}
	g.Leave()
	closing.Store(true)
	if err := g.Enter(); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if g.Under() != 1 {
		t.Errorf("%d are under way", g.Under())
	}
}

// TestWait: what was not begun is taken back for each reason, and what was begun is waited for.
func TestWait(t *testing.T) {
	far := time.Now().Add(5 * time.Second)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	over := make(chan struct{})
	close(over)
	no := errors.New("no")
	for _, c := range []struct {
		name     string
		ctx      context.Context
		deadline time.Time
		over     chan struct{}
		want     []error
	}{
		{"deadline", context.Background(), time.Now(), nil, []error{sqlite.ErrNotWritten}},
		{"caller gone", gone, far, nil, []error{sqlite.ErrNotWritten, context.Canceled}},
		{"over", context.Background(), far, over, []error{admission.ErrOver}},
	} {
		waits := new(admission.Claim)
		err := admission.NewReply().Wait(c.ctx, c.deadline, waits, c.over)
		for _, want := range c.want {
			if !errors.Is(err, want) {
				t.Errorf("%s: got %v, want %v", c.name, err, want)
			}
		}
		if waits.Begin() {
			t.Errorf("%s: it can begin although it was taken back", c.name)
		}
		begun, reply := new(admission.Claim), admission.NewReply()
		begun.Begin()
		time.AfterFunc(time.Millisecond, func() { reply.Give(no) })
		if err := reply.Wait(c.ctx, c.deadline, begun, c.over); err != no {
			t.Errorf("%s: one that has begun got %v", c.name, err)
		}
	}
}

// TestDo: who panics over a command answers it, and goes on panicking.
func TestDo(t *testing.T) {
	reply := admission.NewReply()
	err := routine.Guard(func() error { admission.Do(reply, func() { panic("boom") }); return nil })
	if p := (*routine.Panic)(nil); !errors.As(err, &p) {
		t.Errorf("the supervisor hears %v", err)
	}
	reply.Give(nil) // comes too late
	err = reply.Wait(context.Background(), time.Now().Add(time.Hour), new(admission.Claim), nil)
	if p := (*routine.Panic)(nil); !errors.As(err, &p) {
		t.Errorf("the caller hears %v", err)
	}
}

func TestDeadline(t *testing.T) {
	short, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	want, _ := short.Deadline()
	if got := admission.Deadline(short, time.Hour); !got.Equal(want) {
		t.Errorf("the caller's comes first: %v", got)
	}
	if got := time.Until(admission.Deadline(short, time.Second)); got > time.Second {
		t.Errorf("that of the kind comes first: %v", got)
	}
}
