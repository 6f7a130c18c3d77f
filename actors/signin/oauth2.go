package signin

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// maxProviderName is how many bytes the name of a provider may have.
const maxProviderName = 100

var providerTooLong = validation.New("validation_length_too_long", fmt.Sprintf("The length must be no more than %d.", maxProviderName)).
	With(map[string]any{"min": 0, "max": maxProviderName})

// maxOAuth2Tries is how often a sign-in begins anew because others changed what it had found, before it is given up.
const maxOAuth2Tries = 5

// ErrOAuth2Off says that the collection does not let anybody sign in with OAuth2.
var ErrOAuth2Off = errors.New("OAuth2 authentication is not enabled")

// SignUpError says that the record for a new user could not be made.
type SignUpError struct{ Cause error }

// Error returns the text of the cause.
func (e *SignUpError) Error() string { return "sign up: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *SignUpError) Unwrap() error { return e.Cause }

// LinkError says that a record could not be brought together with the user of a provider.
type LinkError struct{ Cause error }

// Error returns the text of the cause.
func (e *LinkError) Error() string { return "link a record: " + e.Cause.Error() }

// Unwrap returns the cause.
func (e *LinkError) Unwrap() error { return e.Cause }

// OAuth2Meta is what the outcome of a sign-in with OAuth2 tells of it.
type OAuth2Meta struct {
	// User is what the provider says.
	User *oauth2.User
	// IsNew tells whether the record was made for them.
	IsNew bool
}

// OAuth2 is a code with which a provider tells who somebody is. Make one with [Service.OAuth2], and fill it.
type OAuth2 struct {
	Provider     string `json:"provider"`
	Code         string `json:"code"`
	CodeVerifier string `json:"codeVerifier"`
	RedirectURL  string `json:"redirectURL"`
	OldRedirect  string `json:"redirectUrl"` // of older clients
	// CreateData is what a new record is made of, beside what the provider says.
	CreateData map[string]any `json:"createData"`

	s     *Service
	limit func(c *schema.Collection) error
}

// OAuth2 returns a provider's code to be filled. limit is asked before a record is made; its error ends the sign-in.
func (s *Service) OAuth2(limit func(c *schema.Collection) error) *OAuth2 {
	return &OAuth2{s: s, limit: limit}
}

// Kind implements [Credential].
func (o *OAuth2) Kind() Kind { return Kind{Method: "oauth2"} }

// Enabled implements [Credential]. It fails with [ErrOAuth2Off].
func (o *OAuth2) Enabled(options *schema.AuthOptions) error {
	if !options.OAuth2.Enabled {
		return ErrOAuth2Off
	}
	return nil
}

// Validate implements [Credential].
func (o *OAuth2) Validate(options *schema.AuthOptions) error {
	errs := validation.Errors{}
	switch _, known := oauth2.Find(&options.OAuth2, o.Provider); {
	case o.Provider == "":
		errs.Set("provider", validation.Required)
	case len(o.Provider) > maxProviderName:
		errs.Set("provider", providerTooLong)
	case !known:
		errs.Set("provider", validation.New("validation_invalid_provider", fmt.Sprintf("Provider with name %s is missing or is not enabled.", o.Provider)).
			With(map[string]any{"name": o.Provider}))
	}
	if o.Code == "" {
		errs.Set("code", validation.Required)
	}
	return auth.CheckForm(errs)
}

// Claim implements [Credential]. Nobody knows whose a code is before the provider was asked.
func (o *OAuth2) Claim(context.Context, *schema.Collection) (*records.Record, error) { return nil, nil }

// Verify implements [Credential]: it asks the provider, and returns the record that belongs to its user (auth.md 7.6): the one
// with the link, or else the caller's own, or else the one with that email, or else a new one. What has to be written is
// written in one transaction: a record without its link does not exist.
//
// It fails with oauth2.ErrToken, oauth2.ErrUser or oauth2.ErrBusy when the provider does not say who it is, with a
// [*SignUpError] when no record could be made, with a [*LinkError] when something else could not be read or written.
func (o *OAuth2) Verify(ctx context.Context, a *Attempt, _ *records.Record) (*Proof, error) {
	provider, known := oauth2.Find(&a.Collection.Auth.OAuth2, o.Provider)
	if !known {
		return nil, ErrOAuth2Off
	}
	code := oauth2.Code{Code: o.Code, Verifier: o.CodeVerifier, RedirectURL: cmp.Or(o.RedirectURL, o.OldRedirect)}
	user, err := o.s.oauth2.User(ctx, provider, code)
	if err != nil {
		return nil, err
	}
	on := &oauth2SignIn{s: o.s, form: o, a: a, user: user}
	if err := on.run(ctx); err != nil {
		if failed := (*SignUpError)(nil); errors.As(err, &failed) {
			return nil, err
		}
		return nil, &LinkError{err}
	}
	return &Proof{Record: on.record, Meta: &OAuth2Meta{User: user, IsNew: on.isNew}}, nil
}

// oauth2SignIn is the way of a provider's user to a record. What costs time is done before the transaction: passwords are
// hashed, pictures downloaded.
type oauth2SignIn struct {
	s    *Service
	form *OAuth2
	a    *Attempt
	user *oauth2.User

	hash   string // of a password that nobody knows; "" before it is needed
	signUp *signUp

	record *records.Record
	isNew  bool
}

// run finds the record, or makes it.
func (o *oauth2SignIn) run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, o.clean()) }()
	ctx = writes.WithRequest(ctx, o.a.Request)
	for range maxOAuth2Tries {
		m, err := o.match(ctx)
		if err != nil {
			return err
		}
		if m.settled(o.user) {
			o.record = m.record
			return nil
		}
		if err := o.prepare(ctx, m); err != nil {
			return err
		}
		o.record, o.isNew = nil, false
		err = o.s.writes.RunInTransaction(ctx, o.write)
		if !errors.Is(err, errMatchMoved) {
			return err
		}
	}
	return fmt.Errorf("sign in with OAuth2: %w", sqlite.ErrBusy)
}

// errMatchMoved says that the record of a sign-in is another one, or in another state, than it was prepared for.
var errMatchMoved = errors.New("the record of the sign-in has changed meanwhile")

// prepare does what takes time, once.
func (o *oauth2SignIn) prepare(ctx context.Context, m oauth2Match) (err error) {
	if m.record == nil && o.signUp == nil {
		if o.signUp, err = o.newSignUp(ctx); err != nil {
			return &SignUpError{err}
		}
	}
	if o.hash == "" && (m.takenOver() || m.record == nil && o.signUp.plain == "") {
		o.hash, err = o.s.data.Hash(ctx, o.a.Collection, schema.NewSecret())
	}
	return err
}

func (o *oauth2SignIn) clean() error {
	if o.signUp == nil || o.signUp.picture == nil {
		return nil
	}
	return o.signUp.picture.Close()
}

// write writes what there is to write, in a transaction.
func (o *oauth2SignIn) write(ctx context.Context) error {
	m, err := o.match(ctx)
	if err != nil {
		return err
	}
	switch {
	case m.record == nil && o.signUp == nil, m.takenOver() && o.hash == "":
		return errMatchMoved
	case m.record == nil:
		o.isNew = true
		if o.record, err = o.create(ctx); err != nil {
			return err
		}
	default:
		if o.record, err = o.adopt(ctx, &m); err != nil {
			return err
		}
	}
	if m.link != nil {
		return nil
	}
	return o.link(ctx, o.record)
}

// adopt brings a record in line with what the provider says, and drops the links of one that nobody verified.
func (o *oauth2SignIn) adopt(ctx context.Context, m *oauth2Match) (*records.Record, error) {
	r, u := m.record, o.user
	verified, changed := r.Bool("verified"), false
	if m.takenOver() {
		r.Set("password", schema.Password{Hash: o.hash})
		changed = true
	}
	if !verified {
		if err := o.dropLinks(ctx, r); err != nil {
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
	return r, o.save(ctx, r)
}

func (o *oauth2SignIn) dropLinks(ctx context.Context, r *records.Record) error {
	links, err := o.links(ctx, r)
	if err != nil {
		return err
	}
	for _, link := range links {
		if _, err := o.s.writes.Do(ctx, &writes.Write{Action: records.Deleted, Record: link, Client: o.a.Origin.IP}); err != nil {
			return fmt.Errorf("drop a link: %w", err)
		}
	}
	return nil
}

func (o *oauth2SignIn) link(ctx context.Context, r *records.Record) error {
	c := o.s.data.Collection(linksName)
	if c == nil {
		return fmt.Errorf("link a record: %w", records.ErrNoCollection)
	}
	link := records.NewRecord(c)
	for field, value := range map[string]string{
		"collectionRef": r.Collection.ID, "recordRef": r.ID(), "provider": o.form.Provider, "providerId": o.user.ID,
	} {
		link.Set(field, value)
	}
	return o.save(ctx, link)
}

// save writes a record that was made or changed here, without asking any rule.
func (o *oauth2SignIn) save(ctx context.Context, r *records.Record) error {
	if _, err := o.s.writes.Do(ctx, &writes.Write{Action: records.Updated, Record: r, Client: o.a.Origin.IP}); err != nil {
		return fmt.Errorf("save record of %s: %w", r.Collection.Name, err)
	}
	return nil
}
