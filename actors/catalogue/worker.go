package catalogue

import (
	"context"
	"fmt"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/admission"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
)

// maxChanges is how many changes of collections may wait: each takes milliseconds and only superusers make them.
const maxChanges = 64

// waitLimit is how long a change of collections may wait until those before it are done.
const waitLimit = 30 * time.Second

// command is a change of collections on its way to the worker.
type command struct {
	admission.Claim
	reply admission.Reply
	ctx   context.Context // until when somebody waits for it

	// change is what is to be done, by value, and who is the superuser on whose behalf; nil for the server's own.
	change *Change
	who    *records.Caller
	// run is set in the place of change where only this process knows what is to be done: a program's code, SQL of the console, reading
	// the file again.
	run func() error
}

// worker makes the changes of collections, one after the other.
type worker struct{ s *Service }

// Receive implements actors.Actor.
func (w worker) Receive(_ actors.Ref, message any) {
	cmd, ok := message.(*command)
	if !ok || !cmd.Begin() {
		return
	}
	admission.Do(cmd.reply, func() {
		if cmd.run != nil {
			cmd.reply.Give(cmd.run())
			return
		}
		cmd.reply.Give(w.s.change(cmd.ctx, cmd.who, cmd.change.apply))
	})
}

// submit hands a command to the worker and waits for its outcome.
func (s *Service) submit(ctx context.Context, cmd *command) error {
	if err := writes.Redefines(ctx); err != nil {
		return fmt.Errorf("change collections: %w", err)
	}
	if err := s.changes.Enter(); err != nil {
		return fmt.Errorf("change collections: %w", err)
	}
	defer s.changes.Leave()
	cmd.ctx, cmd.reply = ctx, admission.NewReply()
	if s.o.HandedOver != nil {
		defer s.o.HandedOver(ctx)()
	}
	s.worker.Send(cmd)
	return cmd.reply.Wait(ctx, time.Now().Add(waitLimit), cmd, nil)
}

// RunAlone runs fn in a transaction of its own, alone as a change of collections does. Everything that was compiled before counts as stale
// afterwards: it is for SQL that may do anything. fn may be called again. It fails with the error of fn or like [Service.ChangeFunc].
func (s *Service) RunAlone(ctx context.Context, fn func(tx *sqlite.Tx) error) error {
	return s.submit(ctx, &command{run: func() error {
		return s.o.DB.Change(ctx, fn, func() { s.replace(s.Current().Collections) })
	}})
}
