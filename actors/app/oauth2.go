package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// linksName is the collection of the links between records and users of providers.
const linksName = "_externalAuths"

// maxOAuth2Tries is how often a sign-in begins anew because others changed what it had found, before it is given up.
const maxOAuth2Tries = 5

// OAuth2SignIn is somebody whom a provider knows and who is to be signed in.
type OAuth2SignIn struct {
	// Info is the request; rules see its caller, with the context "oauth2".
	Info       *RequestInfo
	Collection *schema.Collection
	// Provider is the provider's name, User what it says.
	Provider string
	User     *oauth2.User
	// CreateData is what a new record is made of, beside what the provider says. It is not changed.
	CreateData map[string]any
	// Client is who asks, for fairness.
	Client string
	// SignUp is asked before a record is made; its error ends the sign-in.
	SignUp func() error
	// Picture downloads a picture.
	Picture func(ctx context.Context, address string) (*oauth2.Picture, error)
}

// SignUpError says that the record for a new user could not be made.
type SignUpError struct{ Cause error }

// Error returns the text of the cause.
func (e *SignUpError) Error() string { return "sign up: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *SignUpError) Unwrap() error { return e.Cause }

// SignInWithOAuth2 returns the record that belongs to a provider's user (auth.md 7.6): the one with the link, or else the
// caller's own, or else the one with that email, or else a new one. What has to be written is written in one transaction:
// a record without its link does not exist. The auth rule is not asked.
//
// It fails with a [*SignUpError] when no record could be made, with validation.Errors when the link could not, with the
// errors of hooks, and those of [App.RunInTransaction].
func (a *App) SignInWithOAuth2(ctx context.Context, in *OAuth2SignIn) (r *records.Record, isNew bool, err error) {
	s := &oauth2SignIn{a: a, in: in}
	defer func() { err = errors.Join(err, s.clean()) }()
	ctx = WithRequest(ctx, in.Info)
	for range maxOAuth2Tries {
		m, err := s.match(ctx)
		if err != nil {
			return nil, false, err
		}
		if m.settled(in.User) {
			return m.record, false, nil
		}
		if err := s.prepare(ctx, m); err != nil {
			return nil, false, err
		}
		s.record, s.isNew = nil, false
		err = a.RunInTransaction(ctx, s.write)
		if errors.Is(err, errMatchMoved) {
			continue
		}
		return s.record, s.isNew, err
	}
	return nil, false, fmt.Errorf("sign in with OAuth2: %w", sqlite.ErrBusy)
}

// errMatchMoved says that the record of a sign-in is another one, or in another state, than it was prepared for.
var errMatchMoved = errors.New("the record of the sign-in has changed meanwhile")

// oauth2SignIn is one sign-in on its way. What costs time is done before the transaction: passwords are hashed, pictures
// downloaded.
type oauth2SignIn struct {
	a  *App
	in *OAuth2SignIn

	hash   string // of a password that nobody knows; "" before it is needed
	signUp *signUp

	record *records.Record
	isNew  bool
}

// oauth2Match is what a sign-in finds. record is nil when there is nobody yet.
type oauth2Match struct {
	record, link *records.Record
	// caller tells that the record is the one that is signed in already.
	caller bool
}

// settled tells whether nothing has to be written.
func (m oauth2Match) settled(u *oauth2.User) bool {
	return m.record != nil && m.link != nil && m.record.Bool("verified") && (m.record.Text("email") != "" || u.Email == "")
}

// takenOver tells whether the record was somebody's of whom nobody knows whether the email is theirs: they may have made it to
// lie in wait for its true owner, and must be locked out.
func (m oauth2Match) takenOver() bool {
	return m.record != nil && !m.record.Bool("verified") && !m.caller
}

// match finds the record.
func (s *oauth2SignIn) match(ctx context.Context) (m oauth2Match, err error) {
	err = s.a.look(ctx)(func(p records.Preparer) (err error) {
		m = oauth2Match{}
		cat := s.a.Catalogue()
		now, err := s.a.store.Current(cat, p, s.in.Info.Caller)
		if err != nil {
			return err
		}
		who := now.Request.Auth
		links := cat.Find(linksName)
		c := cat.ByID(s.in.Collection.ID)
		if c == nil || !c.IsAuth() || links == nil {
			return records.ErrNoCollection
		}
		if m.link, err = auth.FindLink(p, links, c.ID, s.in.Provider, s.in.User.ID); err != nil {
			return err
		}
		m.record, err = s.owner(p, c, m.link, who)
		m.caller = m.record != nil && who != nil && who.Collection.ID == c.ID && who.ID == m.record.ID()
		return err
	})
	if err != nil {
		return m, fmt.Errorf("find the record of an OAuth2 user: %w", err)
	}
	return m, nil
}

// owner finds the record that the user is, nil for nobody's. who is signed in already, nil for a guest.
func (s *oauth2SignIn) owner(p records.Preparer, c *schema.Collection, link *records.Record, who *filter.Identity) (*records.Record, error) {
	if link != nil {
		return records.Find(p, c, link.Text("recordRef"))
	}
	if who != nil && who.Collection.ID == c.ID {
		r, err := records.Find(p, c, who.ID)
		if !errors.Is(err, records.ErrNotFound) {
			return r, err
		}
	}
	if s.in.User.Email == "" {
		return nil, nil
	}
	return auth.FindUnique(p, c, "email", s.in.User.Email)
}

// prepare does what takes time, once.
func (s *oauth2SignIn) prepare(ctx context.Context, m oauth2Match) (err error) {
	if m.record == nil && s.signUp == nil {
		if s.signUp, err = s.newSignUp(ctx); err != nil {
			return &SignUpError{err}
		}
	}
	if s.hash == "" && (m.takenOver() || m.record == nil && s.signUp.plain == "") {
		s.hash, err = s.hashOf(ctx, schema.NewSecret())
	}
	return err
}

func (s *oauth2SignIn) hashOf(ctx context.Context, plain string) (string, error) {
	return s.a.passwords.Hash(ctx, plain, s.cost())
}

func (s *oauth2SignIn) cost() int {
	if f, ok := s.in.Collection.Field("password").(*schema.PasswordField); ok {
		return f.HashCost()
	}
	return 0
}

func (s *oauth2SignIn) clean() error {
	if s.signUp == nil || s.signUp.picture == nil {
		return nil
	}
	return s.signUp.picture.Close()
}

// write writes what there is to write, in a transaction.
func (s *oauth2SignIn) write(ctx context.Context) error {
	m, err := s.match(ctx)
	if err != nil {
		return err
	}
	switch {
	case m.record == nil && s.signUp == nil, m.takenOver() && s.hash == "":
		return errMatchMoved
	case m.record == nil:
		s.isNew = true
		if s.record, err = s.create(ctx); err != nil {
			return err
		}
	default:
		if s.record, err = s.adopt(ctx, &m); err != nil {
			return err
		}
	}
	if m.link != nil {
		return nil
	}
	return s.link(ctx, s.record)
}

// adopt brings a record in line with what the provider says, and drops the links of one that nobody verified.
func (s *oauth2SignIn) adopt(ctx context.Context, m *oauth2Match) (*records.Record, error) {
	r, u := m.record, s.in.User
	verified, changed := r.Bool("verified"), false
	if m.takenOver() {
		r.Set("password", schema.Password{Hash: s.hash})
		changed = true
	}
	if !verified {
		if err := s.dropLinks(ctx, r); err != nil {
			return nil, err
		}
		m.link = nil
	}
	if r.Text("email") == "" && u.Email != "" {
		r.Set("email", u.Email)
		changed = true
	}
	if email := r.Text("email"); !verified && (email == "" || email == u.Email) {
		r.Set("verified", true)
		changed = true
	}
	if !changed {
		return r, nil
	}
	return r, s.a.Save(ctx, r)
}

func (s *oauth2SignIn) dropLinks(ctx context.Context, r *records.Record) error {
	links, err := s.a.FindRecords(ctx, linksName, Find{
		Filter: "collectionRef = {:collection} && recordRef = {:record}",
		Params: map[string]any{"collection": r.Collection.ID, "record": r.ID()},
	})
	if err != nil {
		return err
	}
	for _, link := range links {
		if err := s.a.Delete(ctx, link); err != nil {
			return err
		}
	}
	return nil
}

func (s *oauth2SignIn) link(ctx context.Context, r *records.Record) error {
	link, err := s.a.NewRecord(linksName)
	if err != nil {
		return err
	}
	for field, value := range map[string]string{
		"collectionRef": r.Collection.ID, "recordRef": r.ID(), "provider": s.in.Provider, "providerId": s.in.User.ID,
	} {
		link.Set(field, value)
	}
	return s.a.Save(ctx, link)
}
