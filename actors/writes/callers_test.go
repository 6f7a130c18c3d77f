package writes_test

import (
	"context"
	"errors"
	"testing"

	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/sqlite"
)

var nothing = sqlite.WorkFunc(func(*sqlite.Tx) error { return nil })

// TestCallersWhoGoAway: what has not begun is taken back when its caller goes, wherever it waits, and its caller is told so at once
// (law 3).
func TestCallersWhoGoAway(t *testing.T) {
	wrote := sqlite.WorkFunc(func(*sqlite.Tx) error { t.Error("it was written"); return nil })
	for _, c := range []struct {
		name string
		// hold keeps busy what the write waits for, until leave is closed.
		hold func(s *fileRig, entered chan<- struct{}, leave <-chan struct{}) error
		do   func(ctx context.Context, s *fileRig) error
		in   func(s *fileRig) bool // the write waits
	}{
		{
			"in the mailbox",
			func(s *fileRig, entered chan<- struct{}, leave <-chan struct{}) error {
				return s.app.Writes.Order(context.Background(), s.col, nothing, func() { close(entered); <-leave })
			},
			func(ctx context.Context, s *fileRig) error { return s.app.Writes.Order(ctx, s.col, wrote, nil) },
			func(s *fileRig) bool { return s.app.Writes.Under(s.col) == 2 },
		},
		{
			"for the Writer",
			func(s *fileRig, entered chan<- struct{}, leave <-chan struct{}) error {
				return s.app.DB.Do(context.Background(), sqlite.WorkFunc(func(*sqlite.Tx) error { close(entered); <-leave; return nil }))
			},
			func(ctx context.Context, s *fileRig) error { return s.app.Writes.Order(ctx, s.col, wrote, nil) },
			func(s *fileRig) bool { return s.app.DB.Waiting() == 1 },
		},
		{
			"a transaction",
			func(s *fileRig, entered chan<- struct{}, leave <-chan struct{}) error {
				return s.app.DB.Do(context.Background(), sqlite.WorkFunc(func(*sqlite.Tx) error { close(entered); <-leave; return nil }))
			},
			func(ctx context.Context, s *fileRig) error {
				return s.app.Records.RunInTransaction(ctx, func(context.Context) error { t.Error("it began"); return nil })
			},
			func(s *fileRig) bool { return s.app.DB.Waiting() == 1 },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newFileRig(t)
			entered, leave := make(chan struct{}), make(chan struct{})
			held, outcome := make(chan error, 1), make(chan error, 1)
			go func() { held <- c.hold(s, entered, leave) }()
			eventually.Receive(t, "who is before", entered)
			ctx, cancel := context.WithCancel(t.Context())
			go func() { outcome <- c.do(ctx, s) }()
			eventually.True(t, "the wait", func() bool { return c.in(s) })
			cancel()
			if err := eventually.Receive(t, "the answer", outcome); !errors.Is(err, sqlite.ErrNotWritten) || !errors.Is(err, context.Canceled) {
				t.Errorf("who went away got %v", err)
			}
			close(leave)
			if err := eventually.Receive(t, "the one before", held); err != nil {
				t.Error(err)
			}
			if err := s.app.Writes.Order(context.Background(), s.col, nothing, nil); err != nil {
				t.Errorf("the next: %v", err)
			}
		})
	}
}

// TestWhatHasBegunIsWaitedFor: a caller who goes away in the middle of his write is told what became of it.
func TestWhatHasBegunIsWaitedFor(t *testing.T) {
	s := newFileRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	begun := make(chan struct{})
	work := sqlite.WorkFunc(func(*sqlite.Tx) error {
		close(begun)
		<-ctx.Done()
		return nil
	})
	outcome := make(chan error, 1)
	go func() { outcome <- s.app.Writes.Order(ctx, s.col, work, nil) }()
	eventually.Receive(t, "the beginning", begun)
	cancel()
	if err := eventually.Receive(t, "the outcome", outcome); err != nil {
		t.Errorf("got %v", err)
	}
}
