package writes

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// Write is one write, whoever asks for it. What is written is one of:
//
//   - a Record of a program, with Action;
//   - Input, with Action, for an update or a deletion with ID;
//   - Input and Else, with ID and no Action: the record with that ID is updated with Else, or else created;
//   - a Command that was prepared before;
//   - Parts, which are written all or none.
//
// A Write is used once.
type Write struct {
	// Collection is whose records are written. Parts name their own.
	Collection *schema.Collection
	Action     records.Action
	ID         string
	Input      records.WriteInput
	Else       *records.WriteInput
	Record     *records.Record
	Command    records.Command
	Parts      []*Write

	// Client is who asks, for the Writer's fairness.
	Client string
	// Info is set for requests to the API: their hooks run around the write, and see what it returns. It is called only
	// when there are any.
	Info func() *RequestInfo
	// Form asks for the checks of forms where Info does not: confirmations of passwords, what only managers change.
	Form bool
	// Prepare, of a part, is called when all parts before were prepared, and fills in what is missing in the part. Its error refuses
	// the part.
	Prepare func(w *Write) error
	// Answer is called with the record as it was written, before the hooks around the request end. It is not called when a hook kept
	// the write from happening. nil does nothing.
	Answer func(ctx context.Context, r *records.Record) error

	command records.Command // of a part, once it was prepared
}

// Updates tells of a part that creates or updates which of the two it was, or would have been.
func (w *Write) Updates() bool {
	up, ok := w.command.(*records.Upsert)
	return ok && up.Updated
}

// Do writes what is asked for and waits for the outcome. It decides which way that goes: with hooks around it or without, in the
// transaction that ctx belongs to or in its own, at once or in pieces. It returns the record as it was stored, nil when none was.
//
// It fails with the errors of the commands and of hooks; of parts with a *records.BatchError. sqlite.ErrBusy, sqlite.ErrNotWritten and
// sqlite.ErrClosed mean that nothing was written, as does a *routine.Panic: an actor failed before the Writer began. A [*WrittenError] is
// about what came after the write. [OutcomeOf] tells them apart.
//
// When ctx ends before the write has begun, it is taken back. Once begun, its outcome is waited for.
func (a *Service) Do(ctx context.Context, w *Write) (*records.Record, error) {
	if c, action, _ := w.target(); c != nil && scopeOf(ctx).chain == nil && a.hooks.requests(c, action) {
		ctx = scopeOf(ctx).in(ctx) // what hooks commit is known to it
	}
	var stored *records.Record
	var err error
	if a.isAtomic(ctx, w) {
		stored, err = a.atomically(ctx, w)
	} else {
		stored, err = a.do(ctx, w)
	}
	return stored, Unfinished(ctx, err)
}

// do is Do in the transaction that ctx belongs to, or without one around the hooks.
func (a *Service) do(ctx context.Context, w *Write) (*records.Record, error) {
	switch {
	case w.Parts != nil:
		return nil, a.batch(ctx, w)
	case w.Command != nil:
		return a.command(ctx, w)
	case w.Record != nil:
		return a.program(ctx, w)
	case w.Info != nil && (a.hooks.requests(w.Collection, w.Action) || InTransaction(ctx)):
		draft, err := a.draft(w)
		if err != nil {
			return nil, err
		}
		return a.hooked(ctx, w, draft)
	case w.Info != nil:
		return a.plain(ctx, w)
	}
	return a.form(ctx, w)
}

// DoCommand is [Service.Do] for a command that was prepared before.
func (a *Service) DoCommand(ctx context.Context, c *schema.Collection, cmd records.Command, client string) error {
	_, err := a.Do(ctx, &Write{Collection: c, Command: cmd, Client: client})
	return err
}

// draft makes the draft of a write's input.
func (a *Service) draft(w *Write) (*records.Draft, error) {
	switch w.Action {
	case records.Created:
		return a.store.DraftCreate(w.Input)
	case records.Updated:
		return a.store.DraftUpdate(w.ID, w.Input)
	case records.Deleted:
		return a.store.DraftDelete(w.ID, w.Input)
	}
	return nil, fmt.Errorf("no draft for the action %q", w.Action)
}

// prepare makes the command of a write's input.
func (a *Service) prepare(ctx context.Context, w *Write) (records.Command, error) {
	switch w.Action {
	case records.Created:
		return prepared(a.store.PrepareCreate(ctx, w.Input))
	case records.Updated:
		return prepared(a.store.PrepareUpdate(ctx, w.ID, w.Input))
	case records.Deleted:
		return prepared(a.store.PrepareDelete(w.ID, w.Input))
	}
	return nil, fmt.Errorf("no command for the action %q", w.Action)
}

// prepared is nil where there is an error, whatever kind of command would have come.
func prepared[C records.Command](cmd C, err error) (records.Command, error) {
	if err != nil {
		return nil, err
	}
	return cmd, nil
}

// plain is a request to the API around which no hooks run.
func (a *Service) plain(ctx context.Context, w *Write) (*records.Record, error) {
	cmd, err := a.prepare(ctx, w)
	if err != nil {
		return nil, err
	}
	if err := a.apply(ctx, w.Collection, cmd, w.Client); err != nil {
		return nil, err
	}
	r := records.ResultOf(cmd)
	return r, Written(w.answer(ctx, r))
}

func (w *Write) answer(ctx context.Context, r *records.Record) error {
	if w.Answer == nil {
		return nil
	}
	return w.Answer(ctx, r)
}

// hooked is a request to the API with the hooks around it (extension-surface.md 4.1 to 4.3): the rule is judged first, on the request as
// it was made.
func (a *Service) hooked(ctx context.Context, w *Write, draft *records.Draft) (stored *records.Record, err error) {
	info := w.Info()
	ctx = WithRequest(ctx, info)
	if draft.Action() != records.Created {
		release, err := a.locks.take(ctx, scopeOf(ctx), recordKey{w.Collection.ID, w.ID})
		if err != nil {
			return nil, err
		}
		defer release()
	}
	look := a.Look(ctx)
	r, err := draft.Begin(look)
	if err != nil {
		return nil, err
	}
	e := &RecordRequestEvent{RequestInfo: info, Action: draft.Action(), Collection: w.Collection, Record: r, ctx: ctx}
	err = a.hooks.Stages(e.Action).Request.Trigger(e, func(e *RecordRequestEvent) error {
		if err := draft.CheckForm(ctx, look); err != nil {
			return err
		}
		if err := a.saveBegun(ctx, w.Collection, draft, e.Record, w.Client); err != nil {
			return err
		}
		stored = e.Record
		return w.answer(ctx, e.Record)
	})
	if stored != nil && !InTransaction(ctx) {
		err = Written(err)
	}
	return stored, err
}

// command is a command that was prepared before, with the hooks around it that are bound to the collection.
func (a *Service) command(ctx context.Context, w *Write) (*records.Record, error) {
	hooked := false
	switch w.Command.(type) {
	case *records.Create:
		hooked = a.hooks.writes(w.Collection, records.Created)
	case *records.Update:
		hooked = a.hooks.writes(w.Collection, records.Updated)
	case *records.Delete:
		hooked = a.hooks.writes(w.Collection, records.Deleted)
	}
	if !hooked {
		err := a.apply(ctx, w.Collection, w.Command, w.Client)
		return records.ResultOf(w.Command), err
	}
	d, err := a.store.Draft(w.Command, a.Look(ctx))
	if err == nil {
		err = a.save(ctx, w.Collection, d, w.Client)
	}
	return records.ResultOf(w.Command), err
}

// program saves or deletes a program's record, without asking any rule. A record that was saved is changed to what was stored.
func (a *Service) program(ctx context.Context, w *Write) (*records.Record, error) {
	r := w.Record
	if w.Action == records.Deleted {
		in := records.WriteInput{CollectionID: r.Collection.ID, Incarnation: r.Collection.Incarnation, SkipRules: true}
		draft, err := a.store.DraftDelete(r.ID(), in)
		if err != nil {
			return nil, err
		}
		return nil, a.save(ctx, r.Collection, draft, w.Client)
	}
	draft, err := a.store.DraftSave(r, w.Input)
	if err != nil {
		return nil, err
	}
	written, err := draft.Begin(a.Look(ctx))
	if err == nil {
		err = a.saveBegun(ctx, r.Collection, draft, written, w.Client)
	}
	if err != nil {
		return nil, err
	}
	r.Become(written)
	return r, nil
}

// form is a write of an extension: like that of a program, of an input, and with the checks of forms when it is made in the name of
// somebody.
func (a *Service) form(ctx context.Context, w *Write) (*records.Record, error) {
	draft, err := a.draft(w)
	if err != nil {
		return nil, err
	}
	look := a.Look(ctx)
	r, err := draft.Begin(look)
	if err == nil && w.Form {
		err = draft.CheckForm(ctx, look)
	}
	if err == nil {
		err = a.saveBegun(ctx, w.Collection, draft, r, w.Client)
	}
	return r, err
}
