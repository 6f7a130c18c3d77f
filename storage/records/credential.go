package records

import (
	"errors"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// Credential is the token that an identity rests on, as it was when it was verified. What a caller may do is decided where
// it is done: between the look at a token and that moment lie queues, hooks and other people's networks, and a record can
// be deleted or its password changed meanwhile. A Credential is immutable and safe to share.
type Credential struct {
	// Identity is whose token it is.
	Identity *filter.Identity
	// Kind is the kind of the token, as schema.AuthOptions.Token knows it. Secret is what the collection then had for
	// that kind, TokenKey what the record had.
	Kind, Secret, TokenKey string
	// Expires is when the token ends; the zero time is never.
	Expires time.Time
	// Catalogue and Version are the numbers of the catalogue and of the table of the record, noted before they were read.
	Catalogue, Version uint64
}

// Current returns the caller as they are in the state that p reads, a Reader or the Writer's transaction: with what their
// record says now, or as a guest when their token does not count any more. While nothing has moved that the token rests on
// this compares a few numbers; otherwise it reads one row.
func (s *Store) Current(cat *schema.Catalogue, p Preparer, who Caller) (Caller, error) {
	cred := who.Credential
	if cred == nil {
		return who, nil
	}
	now, err := s.identity(cat, p, cred)
	if err != nil || now == who.Request.Auth {
		return who, err
	}
	req := *who.Request
	req.Auth = now
	return Caller{Request: &req, Superuser: who.Superuser && now != nil && now.Superuser, Credential: cred}, nil
}

// identity returns whose a credential is, nil when it does not count any more.
func (s *Store) identity(cat *schema.Catalogue, p Preparer, cred *Credential) (*filter.Identity, error) {
	if !cred.Expires.IsZero() && !time.Now().Before(cred.Expires) {
		return nil, nil
	}
	of := cred.Identity.Collection
	tx, writing := p.(*sqlite.Tx)
	if cat.Number == cred.Catalogue && s.db.Version(of.Name) == cred.Version && !(writing && tx.Touched(of.Name)) {
		return cred.Identity, nil
	}
	c := cat.ByID(of.ID)
	if c == nil || !c.IsAuth() || c.Auth == nil {
		return nil, nil
	}
	if options, ok := c.Auth.Token(cred.Kind); !ok || options.Secret != cred.Secret {
		return nil, nil
	}
	r, err := s.load(p, s.compiled(cat), c, cred.Identity.ID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case r.Text("tokenKey") != cred.TokenKey:
		return nil, nil
	}
	return r.Identity(), nil
}

// identify makes the caller of a write who they are in the state that p reads. Who was a superuser and is not any more is
// refused: what was prepared for a superuser does not suit a guest. A command may be applied again after a group was
// rolled back, so each look begins with the caller as they asked.
func (in *WriteInput) identify(s *Store, cat *schema.Catalogue, p Preparer) error {
	if in.Late || in.SkipRules {
		return nil
	}
	if in.asked.Request == nil {
		in.asked = in.Caller
	}
	now, err := s.Current(cat, p, in.asked)
	if err != nil {
		return err
	}
	if in.asked.Superuser && !now.Superuser {
		return ErrForbidden
	}
	in.Caller = now
	return nil
}

// identified is a command on behalf of callers.
type identified interface{ inputs() []*WriteInput }

func (cmd *Create) inputs() []*WriteInput { return []*WriteInput{&cmd.in} }
func (cmd *Update) inputs() []*WriteInput { return []*WriteInput{&cmd.in} }
func (cmd *Delete) inputs() []*WriteInput { return []*WriteInput{&cmd.in} }
func (up *Upsert) inputs() []*WriteInput  { return []*WriteInput{&up.create.in, &up.update.in} }

// Identify makes the callers of commands who they are in the state that p reads, before the first of them is applied. The
// commands of a batch are one request: what an earlier one does to the caller's record does not end a later one's right.
// It fails with a *[BatchError].
func (s *Store) Identify(p Preparer, commands []Command) error {
	cat := s.catalogue()
	for i, cmd := range commands {
		of, ok := cmd.(identified)
		if !ok {
			continue
		}
		for _, in := range of.inputs() {
			late := in.Late
			in.Late = false
			err := in.identify(s, cat, p)
			in.Late = late
			if err != nil {
				return &BatchError{i, err}
			}
		}
	}
	return nil
}
