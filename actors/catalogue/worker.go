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

// patience is how long a change of collections may wait for its turn.
const patience = 30 * time.Second

// order is a change of collections on its way through the worker.
type order struct {
	admission.Turn
	reply admission.Reply
	ctx   context.Context // until when somebody waits for it

	// change is what is to be done, by value, and who is the superuser on whose behalf; nil for the server's own.
	change *Change
	who    *records.Caller
	// run is set instead where only this process can say what is to be done: a program's code, SQL of the console, another look at
	// the file.
	run func() error
}

// worker makes the changes of collections, one after the other.
type worker struct{ s *Service }

// Receive implements actors.Actor.
func (w worker) Receive(_ actors.Ref, message any) {
	o, ok := message.(*order)
	if !ok || !o.Begin() {
		return
	}
	admission.Do(o.reply, func() {
		if o.run != nil {
			o.reply.Give(o.run())
			return
		}
		o.reply.Give(w.s.change(o.ctx, o.who, o.change.apply))
	})
}

// order hands o to the worker and waits for the outcome.
func (s *Service) order(ctx context.Context, o *order) error {
	if err := writes.Redefines(ctx); err != nil {
		return fmt.Errorf("change collections: %w", err)
	}
	if err := s.changes.Enter(); err != nil {
		return fmt.Errorf("change collections: %w", err)
	}
	defer s.changes.Leave()
	o.ctx, o.reply = ctx, admission.NewReply()
	if s.o.HandedOver != nil {
		defer s.o.HandedOver(ctx)()
	}
	s.worker.Send(o)
	return o.reply.Wait(ctx, time.Now().Add(patience), o, nil)
}

// RunAlone runs fn in a transaction of its own, as a change of collections runs, after which everything that was compiled counts as
// stale: it is for SQL that may have done anything. fn may be called again. It fails with the error of fn or like [Service.ChangeFunc].
func (s *Service) RunAlone(ctx context.Context, fn func(tx *sqlite.Tx) error) error {
	return s.order(ctx, &order{run: func() error {
		return s.o.DB.Change(ctx, fn, func() { s.replace(s.Current().Collections) })
	}})
}
