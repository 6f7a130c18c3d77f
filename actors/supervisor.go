package actors

import (
	"fmt"
	"log/slog"
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

// spawnTimeout bounds the wait for a supervisor, which has nothing else to do than to spawn.
const spawnTimeout = 10 * time.Second

// Supervisor spawns actors and restarts those that fail. It is safe for concurrent use.
type Supervisor struct {
	ref  Ref
	kind *actor.Props // of supervisors
}

// Spawn starts an actor and waits until it is there. It fails when the name is taken below this supervisor.
func (s *Supervisor) Spawn(props *Props, name string) (Ref, error) { return s.spawn(props.inner, name) }

// Supervisor starts a supervisor below this one.
func (s *Supervisor) Supervisor(name string) (*Supervisor, error) {
	ref, err := s.spawn(s.kind, name)
	if err != nil {
		return nil, err
	}
	return &Supervisor{ref, s.kind}, nil
}

// Start is [Supervisor.Spawn] for a caller that cannot wait: started is called by the supervisor, so it returns soon and waits
// for no other actor. It is not called when the system has ended.
func (s *Supervisor) Start(props *Props, name string, started func(Ref, error)) {
	s.ref.Send(&spawn{props.inner, name, started})
}

func (s *Supervisor) spawn(props *actor.Props, name string) (Ref, error) {
	type outcome struct {
		ref Ref
		err error
	}
	done := make(chan outcome, 1)
	s.ref.Send(&spawn{props, name, func(ref Ref, err error) { done <- outcome{ref, err} }})
	timer := time.NewTimer(spawnTimeout)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.ref, o.err
	case <-timer.C:
		return Ref{}, fmt.Errorf("spawn actor %s: the supervisor does not answer", name)
	}
}

// spawn asks a supervisor for a child.
type spawn struct {
	props   *actor.Props
	name    string
	started func(Ref, error)
}

// supervisor is the actor behind a [Supervisor]. It does no work of its own: a panic in it would stop its children.
type supervisor struct{ log *slog.Logger }

// Receive implements actor.Actor.
func (s supervisor) Receive(ctx actor.Context) {
	m, ok := ctx.Message().(*spawn)
	if !ok {
		return
	}
	pid, err := ctx.SpawnNamed(m.props, m.name)
	if err != nil {
		pid, err = nil, fmt.Errorf("spawn actor %s: %w", m.name, err)
	}
	ref := Ref{pid, ctx.ActorSystem()}
	if err := routine.Guard(func() error { m.started(ref, err); return nil }); err != nil {
		s.log.Error("tell that an actor has started", "actor", m.name, "error", err)
	}
}
