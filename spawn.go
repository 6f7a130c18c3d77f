package troupe

import (
	"errors"
	"fmt"

	"github.com/troupebase/troupe/actors"
)

// Actor is what a program does with messages, one at a time: Receive(self [Ref], message any) is called by one goroutine at a time,
// so what the actor holds needs no lock. It returns soon and waits for nobody; what takes time belongs on a goroutine of its own. The
// first message is [Started]. An actor passes over messages that it does not know.
type Actor = actors.Actor

// Ref is the way to one actor: Send puts a message into its mailbox and returns at once, Stop ends it after the message at hand, Drain
// after those that were sent before. It is a value, safe for concurrent use, and valid, without an effect, after the actor's end. Whoever
// waits for an answer puts a channel into the message.
type Ref = actors.Ref

// Started is the first message of every actor, and the first after each restart.
type Started = actors.Started

// Spawn starts an actor of the program's own, which ends with the App. produce makes it, and makes it again when it panics: after a
// delay that grows, with the messages that wait, and without the one at hand. The name is the actor's alone until it ends. It fails
// with [ErrNotOpen] or [ErrEnded].
func (a *App) Spawn(name string, produce func() Actor) (Ref, error) {
	if produce == nil {
		return Ref{}, errors.New("spawn: nothing makes the actor")
	}
	programs, err := a.programs()
	if err != nil {
		return Ref{}, fmt.Errorf("spawn %s: %w", name, err)
	}
	ref, err := programs.Spawn(actors.NewProps(produce, nil), name)
	if err != nil {
		return Ref{}, fmt.Errorf("spawn %s: %w", name, err)
	}
	return ref, nil
}

// programs is the supervisor of the program's actors. It is made when the first is spawned.
func (a *App) programs() (*actors.Supervisor, error) {
	a.spawning.Lock()
	defer a.spawning.Unlock()
	if a.closed {
		return nil, ErrEnded
	}
	if a.supervisor == nil {
		if !a.inner.Ready() {
			return nil, ErrNotOpen
		}
		s, err := a.inner.Actors.Root().Supervisor("programs")
		if err != nil {
			return nil, err
		}
		a.supervisor = s
	}
	return a.supervisor, nil
}
