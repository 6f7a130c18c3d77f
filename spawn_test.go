package troupe_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/troupebase/troupe"
)

// echo answers into channels and panics when it is told to. lives is told of each of its beginnings.
type echo struct{ lives chan<- struct{} }

// Receive implements troupe.Actor.
func (e echo) Receive(_ troupe.Ref, message any) {
	switch m := message.(type) {
	case troupe.Started:
		e.lives <- struct{}{}
	case chan string:
		m <- "here"
	case string:
		panic(m)
	}
}

func receive[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: nothing comes", what)
	}
	return v
}

// TestSpawn: an actor of a program is made again after a panic, its name is its own, and it ends with the App.
func TestSpawn(t *testing.T) {
	app := troupe.New(troupe.Options{Dir: filepath.Join(t.TempDir(), "data")})
	lives := make(chan struct{}, 10)
	produce := func() troupe.Actor { return echo{lives} }
	if _, err := app.Spawn("early", produce); !errors.Is(err, troupe.ErrNotOpen) {
		t.Errorf("before it is open: %v", err)
	}
	if err := app.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	ref, err := app.Spawn("echo", produce)
	if err != nil {
		t.Fatal(err)
	}
	receive(t, "the beginning", lives)
	if _, err := app.Spawn("echo", produce); err == nil {
		t.Error("two actors have one name")
	}
	answer := make(chan string, 1)
	ref.Send("a fault of the program")
	ref.Send(answer)
	receive(t, "a second life", lives)
	if got := receive(t, "an answer", answer); got != "here" {
		t.Errorf("the answer is %q", got)
	}
	if _, err := app.Spawn("nobody", nil); err == nil {
		t.Error("an actor is made of nothing")
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	ref.Send(answer) // leads to nobody
	if _, err := app.Spawn("late", produce); !errors.Is(err, troupe.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}
