package app

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/troupebase/troupe/internal/routine"
)

const (
	// failureWindow is how long a failure counts towards the delay of a restart.
	failureWindow = time.Second
	// restartStep is by how much each failure within the window delays the restart.
	restartStep = time.Millisecond
	// maxRestartDelay bounds the delay. Commands wait meanwhile, so a hundred failures have to cost less than the patience
	// of their callers.
	maxRestartDelay = 25 * time.Millisecond
	// maxFailures is how many failures are remembered of one child.
	maxFailures = 128
)

// restarting is the strategy of all supervisors: the failed child alone is restarted, without a limit on how often. The
// library's own strategies stop a child for good after some failures, or its siblings with it.
type restarting struct{ log *slog.Logger }

// HandleFailure implements actor.SupervisorStrategy.
func (s restarting) HandleFailure(_ *actor.ActorSystem, parent actor.Supervisor, child *actor.PID, rs *actor.RestartStatistics, reason, _ any) {
	delay := restartDelay(rs.NumberOfFailures(failureWindow))
	if rs.FailureCount() >= maxFailures {
		rs.Reset()
	}
	rs.Fail()
	s.log.Error("actor failed", "actor", child.Id, "reason", fmt.Sprint(reason), "restart", delay)
	routine.After(delay, func() { parent.RestartChildren(child) }, func(p *routine.Panic) {
		s.log.Error("actor not restarted", "actor", child.Id, "error", p, "stack", string(p.Stack))
	})
}

// restartDelay is how long a child waits that has failed so often lately: the first time it does not.
func restartDelay(recent int) time.Duration {
	return min(time.Duration(recent)*restartStep, maxRestartDelay)
}

// spawn asks a supervisor for a child.
type spawn struct {
	props *actor.Props
	name  string
	reply chan *actor.PID // buffered
}

// supervisor spawns children and does no work of its own: a panic in it would stop them all.
type supervisor struct{}

// Receive implements actor.Actor.
func (supervisor) Receive(ctx actor.Context) {
	if m, ok := ctx.Message().(*spawn); ok {
		pid, err := ctx.SpawnNamed(m.props, m.name)
		if err != nil {
			pid = nil
		}
		m.reply <- pid
	}
}

// tree is the actor system and its supervisors.
type tree struct {
	system   *actor.ActorSystem
	strategy actor.SupervisorStrategy
	root     *actor.PID
}

func newTree(log *slog.Logger) (*tree, error) {
	system := actor.NewActorSystem(actor.WithLoggerFactory(func(*actor.ActorSystem) *slog.Logger {
		return slog.New(slog.DiscardHandler) // what matters of its messages is logged by the strategy
	}))
	t := &tree{system: system, strategy: restarting{log}}
	root, err := system.Root.SpawnNamed(t.supervisor(), "troupe")
	if err != nil {
		return nil, fmt.Errorf("spawn the root of the actors: %w", err)
	}
	t.root = root
	return t, nil
}

// supervisor makes the properties of an actor that only supervises.
func (t *tree) supervisor() *actor.Props {
	return actor.PropsFromProducer(func() actor.Actor { return supervisor{} }, actor.WithSupervisor(t.strategy))
}

// spawnTimeout bounds the wait for a supervisor, which has nothing else to do than to spawn.
const spawnTimeout = 10 * time.Second

// spawn starts a child of a supervisor.
func (t *tree) spawn(parent *actor.PID, props *actor.Props, name string) (*actor.PID, error) {
	m := &spawn{props: props, name: name, reply: make(chan *actor.PID, 1)}
	t.system.Root.Send(parent, m)
	timer := time.NewTimer(spawnTimeout)
	defer timer.Stop()
	select {
	case pid := <-m.reply:
		if pid == nil {
			return nil, fmt.Errorf("spawn actor %s: the name is taken", name)
		}
		return pid, nil
	case <-timer.C:
		return nil, fmt.Errorf("spawn actor %s: the supervisor does not answer", name)
	}
}

// stop ends all actors and waits for them.
func (t *tree) stop() error {
	if err := t.system.Root.StopFuture(t.root).Wait(); err != nil {
		return fmt.Errorf("stop actors: %w", err)
	}
	t.system.Shutdown()
	return nil
}

// PanicError is the outcome of a command whose actor failed while it held it.
type PanicError struct {
	Value any
	Stack []byte
}

// Error tells what the panic said.
func (e *PanicError) Error() string { return fmt.Sprintf("actor panicked: %v", e.Value) }

// guarded runs fn and turns a panic into an error.
func guarded(fn func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return fn()
}
