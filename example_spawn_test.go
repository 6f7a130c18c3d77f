package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe"
)

// tally counts changes. Only its actor touches the counts, so they need no lock.
type tally struct{ counts map[troupe.Action]int }

// report asks a tally for a count.
type report struct {
	of    troupe.Action
	reply chan int
}

// Receive implements troupe.Actor.
func (t *tally) Receive(_ troupe.Ref, message any) {
	switch m := message.(type) {
	case troupe.Started:
		t.counts = make(map[troupe.Action]int)
	case troupe.Action:
		t.counts[m]++
	case report:
		m.reply <- t.counts[m.of]
	}
}

// An actor of a program's own: it handles one message after the other, and is made again when it fails.
func ExampleApp_Spawn() {
	app, done := open(func(*troupe.App) {})
	defer done()

	counter, err := app.Spawn("tally", func() troupe.Actor { return new(tally) })
	check(err)
	app.OnRecordAfterCreateSuccess("posts").BindFunc(func(e *troupe.RecordEvent) error {
		counter.Send(e.Action)
		return e.Next()
	})
	newPost(context.Background(), app, "one")
	newPost(context.Background(), app, "two")

	ask := report{of: troupe.Created, reply: make(chan int, 1)}
	counter.Send(ask)
	fmt.Println(<-ask.reply)
	// Output: 2
}
