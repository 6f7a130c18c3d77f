package records

import (
	"context"

	"github.com/troupebase/troupe/storage/schema"
)

// Ahead is the work on passwords that was done for a write before its transaction began: nobody is to wait for the Writer because somebody's
// password is hashed. It is only used where it is about the same passwords. nil is none.
type Ahead struct {
	hashed hashes
	// matched tells whether old is the password whose stored form is compared.
	old, compared string
	matched       bool
}

// Ahead does the work on the passwords of a create or an update for those whom the rule lets in; id names the record of an update. What
// keeps it from being done is not told: the write will meet it again.
func (s *Store) Ahead(ctx context.Context, action Action, id string, in WriteInput) *Ahead {
	c := s.catalogue().ByID(in.CollectionID)
	if c == nil || !sendsPassword(c, in.Body) {
		return nil
	}
	switch action {
	case Created:
		if cmd, err := s.PrepareCreate(ctx, in); err == nil {
			return &Ahead{hashed: cmd.hashed}
		}
	case Updated:
		if cmd, err := s.PrepareUpdate(ctx, id, in); err == nil {
			return &Ahead{hashed: cmd.hashed, old: textOf(in.Body["oldPassword"]), compared: cmd.compared, matched: cmd.matched}
		}
	}
	return nil
}

// AheadOf does the same for a record of a program.
func (s *Store) AheadOf(ctx context.Context, r *Record) *Ahead {
	if !hasPlainPassword(r) {
		return nil
	}
	if hashed, err := s.hash(ctx, &WriteInput{}, r, false); err == nil {
		return &Ahead{hashed: hashed}
	}
	return nil
}

// hash is the stored form of a plain password of a field, "" where it is not known.
func (a *Ahead) hash(field, plain string) string {
	if a == nil || a.hashed[field].Plain != plain {
		return ""
	}
	return a.hashed[field].Hash
}

// matches tells whether a plain password belongs to a stored form.
func (s *Store) matches(ctx context.Context, a *Ahead, stored schema.Password, plain string) (bool, error) {
	if a != nil && a.compared == stored.Hash && a.old == plain {
		return a.matched, nil
	}
	return s.opts.Passwords.Matches(ctx, stored.Hash, plain)
}
