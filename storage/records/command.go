package records

import (
	"context"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// Action is what a write did to a record.
type Action string

// The actions of changes, as clients read them.
const (
	Created Action = "create"
	Updated Action = "update"
	Deleted Action = "delete"
)

// Change is one record that a committed unit wrote. It is given to sqlite.Tx.Emit and immutable.
type Change struct {
	Action     Action
	Collection *schema.Collection
	// Record is the state after the write, or, for a delete, the state before it.
	Record *Record
	// Old is the state before an update, nil otherwise.
	Old *Record
}

// Command is a prepared write. It holds values only: neither the store nor the request that it came with, whose memory may be
// used for something else once the command was handed over. [Store.Work] applies it.
type Command interface {
	// collectionID is the collection whose records the command is about.
	collectionID() string
	// apply does the write. It has no effect outside SQLite, and can be called again after a rollback.
	apply(x *execution) error
}

// execution is what a command is applied with.
type execution struct {
	s      *Store
	cat    *schema.Catalogue
	tx     *sqlite.Tx
	around Around
	left   *allowance // of the deletions of a batch, which share it; nil where each has its own
}

// Work returns the unit that applies a command. around is user code around what a deletion brings with it, nil for none; with it
// the unit cannot be run again, so it has to be alone. The unit fails with the errors of the command.
func (s *Store) Work(cmd Command, around Around) sqlite.Work {
	return &work{cmd: cmd, with: execution{s: s, around: around}}
}

// work is the application of one command. The Writer runs it once or, after a rollback, again.
type work struct {
	cmd  Command
	with execution
}

// Apply implements sqlite.Work.
func (w *work) Apply(tx *sqlite.Tx) error {
	w.with.cat, w.with.tx, w.with.left = w.with.s.catalogue(), tx, nil
	err := w.cmd.apply(&w.with)
	w.with.tx = nil // it is the Writer's
	return err
}

// ResultOf returns the record that a command stored, nil for one that stores none or was not applied.
func ResultOf(cmd Command) *Record {
	switch cmd := cmd.(type) {
	case *Create:
		return cmd.Result
	case *Update:
		return cmd.Result
	case *Upsert:
		return cmd.result()
	}
	return nil
}

// WriteInput is what the commands that write a record have in common.
type WriteInput struct {
	CollectionID string
	// Incarnation, when it is set, is the one of the collection that the write is meant for: another one that has its id by now
	// is not it, and the write fails with [ErrNoCollection].
	Incarnation uint64
	Caller      Caller
	asked       Caller // as they were when they asked, see identify
	// Body is the decoded body; it is not changed. The client's modifiers are in its keys.
	Body map[string]any
	// Files are the uploads of the request, identified.
	Files []*PendingFile
	// SkipRules leaves rule and caller-dependent checks out: for what the server itself writes.
	SkipRules bool
	// TokenKey, when it is set, is the token key that the record to be updated must still have: what a token allows is
	// written only while the token counts. Otherwise the write fails with [ErrTokenKey].
	TokenKey string
	// Late tells that earlier commands of the same batch may make the record, or what a rule looks at: nothing is judged
	// before the command is applied.
	Late bool
	// PasswordHash is the stored form of the password that a new auth record gets whose body has none. It stands for one that
	// nobody knows: what is asked of passwords and their confirmation is not asked then.
	PasswordHash string
	// Hashed is a plain password with its stored form, where that is known already: it is not made again.
	Hashed schema.Password
	// Ahead is the work on passwords that was done before, see [Store.Ahead].
	Ahead *Ahead
}

// Passwords does the work on passwords that costs CPU. It is called while a command is prepared, never inside the Writer.
type Passwords struct {
	// Hash returns the stored form of a plain password.
	Hash func(ctx context.Context, plain string, cost int) (string, error)
	// Matches tells whether a plain password belongs to a stored form.
	Matches func(ctx context.Context, hash, plain string) (bool, error)
}

// hashes are the stored forms of the plain passwords in a body, by field.
type hashes map[string]schema.Password

// hash computes the stored form of every password of r that passes its checks, or of all where they were made before.
func (s *Store) hash(ctx context.Context, in *WriteInput, r *Record, checked bool) (hashes, error) {
	var out hashes
	for i, f := range r.Collection.Fields {
		field, ok := f.(*schema.PasswordField)
		if !ok {
			continue
		}
		p, _ := r.Values[i].(schema.Password)
		if p.Plain == "" || !checked && field.Validate(p, schema.Create) != nil {
			continue
		}
		hash := in.Ahead.hash(field.Name, p.Plain)
		if in.Hashed.Hash != "" && p.Plain == in.Hashed.Plain && field.Name == "password" {
			hash = in.Hashed.Hash
		}
		if hash == "" {
			var err error
			if hash, err = s.opts.Passwords.Hash(ctx, p.Plain, field.HashCost()); err != nil {
				return nil, fmt.Errorf("hash password: %w", err)
			}
		}
		if out == nil {
			out = make(hashes)
		}
		out[field.Name] = schema.Password{Hash: hash, Plain: p.Plain}
	}
	return out, nil
}

// apply puts the stored forms in the place of the plain passwords they were made of.
func (h hashes) apply(r *Record) {
	for name, made := range h {
		if p, _ := r.Get(name).(schema.Password); p.Plain == made.Plain {
			r.Set(name, schema.Password{Hash: made.Hash})
		}
	}
}

// open checks what forbids a write before its body is looked at.
func (in *WriteInput) open(cat *schema.Catalogue, rule func(*schema.Collection) *string) (*schema.Collection, error) {
	c := cat.ByID(in.CollectionID)
	if c == nil || in.Incarnation != 0 && c.Incarnation != in.Incarnation {
		return nil, ErrNoCollection
	}
	if c.IsView() {
		return nil, ErrView
	}
	if !in.trusted() && rule(c) == nil {
		return nil, ErrForbidden
	}
	return c, nil
}

// detach makes the input one of values: it copies what rules read of the running request. The command is applied on the
// Writer's goroutine, which must not depend on how long the request lives.
func (in *WriteInput) detach() {
	if in.Caller.Request != nil {
		in.Caller.Request = in.Caller.Request.Detach()
	}
}

// trusted tells whether rules are not asked.
func (in *WriteInput) trusted() bool { return in.SkipRules || in.Caller.Superuser }

// bringsFiles tells whether there are uploads of somebody whom a rule may refuse: they are not stored before it was asked.
func (in *WriteInput) bringsFiles() bool { return len(in.Files) > 0 && !in.Late && !in.trusted() }

// rule returns the text of a rule that must be judged, "" when there is nothing to judge.
func (in *WriteInput) rule(rule *string) string {
	if in.trusted() || rule == nil {
		return ""
	}
	return *rule
}

// now is the time that autodates of the command get.
func (in *WriteInput) now() time.Time {
	if in.Caller.Request != nil && !in.Caller.Request.Now.IsZero() {
		return in.Caller.Request.Now
	}
	return time.Now()
}

// setAutodates writes the moment of the write into the fields that ask for it.
func setAutodates(r *Record, op schema.Operation, now time.Time) {
	stamp := ""
	for i, f := range r.Collection.Fields {
		auto, ok := f.(*schema.AutodateField)
		if !ok || !(op == schema.Create && auto.OnCreate || op == schema.Update && auto.OnUpdate) {
			continue
		}
		if stamp == "" {
			stamp = schema.FormatDate(now)
		}
		r.Values[i] = stamp
	}
}

// failed tells whether a tree of failures has any.
func failed(errs validation.Errors) bool { return len(errs) > 0 }
