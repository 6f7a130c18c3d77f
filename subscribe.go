package troupe

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/actors/realtime"
)

// Change is one record that was written and committed.
type Change struct {
	// Action is what was done to it.
	Action Action
	// Record is the record as it was stored or, where it was deleted, as it was before.
	Record *Record
}

// Subscription is told of every committed change of its topics, once and in the order of the commits, whoever made it: no rule is
// asked, and nothing that was rolled back appears. It is read by one goroutine at a time; Close may be called by any.
type Subscription struct{ feed *realtime.Feed }

// Subscribe begins to listen to topics as clients name them: "posts/*" is all records of a collection, named by name or id,
// "posts/RECORD_ID" one of them. What is committed after it returns is told.
//
// Nobody waits for a subscription: one that is not read while many changes (1024, or 16 MiB of them) come in ends with [ErrSlow]. It fails
// with [ErrNoCollection], [ErrNotOpen] or [ErrTooManySubscriptions].
func (a *App) Subscribe(topics ...string) (*Subscription, error) {
	if !a.inner.Ready() {
		return nil, fmt.Errorf("subscribe: %w", ErrNotOpen)
	}
	feed, err := a.inner.Realtime.Feed(topics...)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	return &Subscription{feed}, nil
}

// Next waits for the next change and returns it; its record is the caller's own. It fails with the error of ctx, with [ErrSlow]
// when changes were lost, after those that were not, and with [ErrEnded] after Close or the end of the App.
func (s *Subscription) Next(ctx context.Context) (Change, error) {
	ch, err := s.feed.Next(ctx)
	if err != nil {
		return Change{}, err
	}
	return Change{Action: ch.Action, Record: ch.Record.Clone()}, nil
}

// Close ends the subscription. Calling it again does nothing.
func (s *Subscription) Close() { s.feed.Close() }
