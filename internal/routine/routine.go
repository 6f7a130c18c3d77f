// Package routine is the one place where goroutines start. A panic that nobody recovers ends the whole process, with every
// request that is under way (law 12), so a goroutine here ends alone, and whoever started it is told.
//
// [Go] starts one, [In] one that a group counts, [After] and [When] one later. [Guard] does the same for a function that is
// called: its panic becomes an error, and whoever called it goes on. A test scans the source for goroutines that
// start in any other way.
package routine

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// Panic is a panic that was caught: of a goroutine, which ended with it, or of a function that [Guard] ran. It belongs to
// the receiver.
type Panic struct {
	// Value is what was passed to panic, Stack the stack of the goroutine at that point.
	Value any
	Stack []byte
}

// Error names the panic's value, not its stack.
func (p *Panic) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Guard runs f, and returns its error; a *[Panic] when it panicked.
func Guard(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Panic{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

// Go runs f on a goroutine of its own. When f panics failed is told, on that goroutine; a panic of failed itself is dropped.
func Go(f func(), failed func(*Panic)) {
	go run(f, failed)
}

// In is [Go] for a goroutine that the group waits for.
func In(group *sync.WaitGroup, f func(), failed func(*Panic)) {
	group.Go(func() { run(f, failed) })
}

// After is time.AfterFunc for an f that may panic.
func After(d time.Duration, f func(), failed func(*Panic)) *time.Timer {
	return time.AfterFunc(d, func() { run(f, failed) })
}

// When is context.AfterFunc for an f that may panic.
func When(ctx context.Context, f func(), failed func(*Panic)) (stop func() bool) {
	return context.AfterFunc(ctx, func() { run(f, failed) })
}

func run(f func(), failed func(*Panic)) {
	defer func() {
		if v := recover(); v != nil {
			p := &Panic{Value: v, Stack: debug.Stack()}
			defer func() { _ = recover() }() // nobody is left to tell
			failed(p)
		}
	}()
	f()
}
