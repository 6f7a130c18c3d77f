package actors

import (
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"
)

// Actor is what is done with messages. One goroutine at a time calls Receive, which returns soon and never waits for the
// messages of others: work that takes time belongs on a goroutine of its own.
//
// The first message is [Started], also after a restart, which makes the actor anew. An actor passes over messages that it
// does not know.
type Actor interface {
	Receive(self Ref, message any)
}

// Started is the first message of every actor, and the first after each restart.
type Started struct{}

// Ref is the way to one actor. The zero value leads to nobody and is not to be used. It is a value, safe for concurrent use,
// and stays valid, without an effect, when the actor has ended.
type Ref struct {
	pid    *actor.PID
	system *actor.ActorSystem
}

// Send puts a message into the actor's mailbox and returns at once. Whoever sends without an end has to bound that by
// themselves. To one that has ended nothing is delivered.
func (r Ref) Send(message any) { r.system.Root.Send(r.pid, message) }

// Stop ends the actor after the message at hand; the others in its mailbox are dropped. It does not wait.
func (r Ref) Stop() { r.system.Root.Stop(r.pid) }

// Drain ends the actor after the messages that were sent to it before. It does not wait.
func (r Ref) Drain() { r.system.Root.Poison(r.pid) }

// Dispatcher says on which goroutines actors take their turns.
type Dispatcher interface {
	// Schedule has a turn run soon, on another goroutine than the caller's. A turn does not panic.
	Schedule(turn func())
	// Throughput is how many messages an actor handles in one turn.
	Throughput() int
}

// Props are how actors of one kind are made: for each of them, and again for each restart. They are safe for concurrent use.
type Props struct{ inner *actor.Props }

// NewProps returns the properties of actors that produce makes. dispatcher is where they run; nil gives each turn a goroutine.
func NewProps(produce func() Actor, dispatcher Dispatcher) *Props {
	inner := actor.PropsFromProducer(func() actor.Actor { return receiver{produce()} })
	if dispatcher != nil {
		inner.Configure(actor.WithDispatcher(dispatcher))
	}
	return &Props{inner}
}

// receiver is an [Actor] as the library sees it.
type receiver struct{ actor Actor }

// Receive implements actor.Actor. What the library tells beside messages is its own business, but for the start.
func (r receiver) Receive(ctx actor.Context) {
	message := ctx.Message()
	switch message.(type) {
	case *actor.Started:
		message = Started{}
	case *actor.Stopping, *actor.Stopped, *actor.Restarting:
		return
	}
	r.actor.Receive(Ref{ctx.Self(), ctx.ActorSystem()}, message)
}

// System is the actors of one application. It is safe for concurrent use.
type System struct {
	inner *actor.ActorSystem
	root  *Supervisor
}

// NewSystem starts a system with nothing but its topmost supervisor. log is told of actors that fail. The caller stops it.
func NewSystem(name string, log *slog.Logger) (*System, error) {
	inner := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler) // what matters of its messages is logged by the strategy
	}))
	props := actor.PropsFromProducer(func() actor.Actor { return supervisor{log} }, actor.WithSupervisor(restarting{log}))
	pid, err := inner.Root.SpawnNamed(props, name)
	if err != nil {
		return nil, fmt.Errorf("spawn the root of the actors: %w", err)
	}
	return &System{inner, &Supervisor{ref: Ref{pid, inner}, kind: props}}, nil
}

// Root returns the topmost supervisor.
func (s *System) Root() *Supervisor { return s.root }

// Stop ends all actors and waits for them. It is called once.
func (s *System) Stop() error {
	if err := s.inner.Root.StopFuture(s.root.ref.pid).Wait(); err != nil {
		return fmt.Errorf("stop actors: %w", err)
	}
	s.inner.Shutdown()
	return nil
}
