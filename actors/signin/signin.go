package signin

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/auth/oauth2"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// The reasons for which somebody is not signed in. Others belong to a kind of credential or to the second factor, and are
// named there.
var (
	// ErrAttempts says that too many secrets were tried for a record.
	ErrAttempts = errors.New("too many attempts to sign in")
	// ErrAddress says that superusers do not sign in from this address.
	ErrAddress = errors.New("superusers may not sign in from this address")
	// ErrAuthRule says that the record does not meet the collection's auth rule.
	ErrAuthRule = errors.New("the auth rule is not met")
)

// Options are what a [Service] can be given beside what it needs.
type Options struct {
	// Logger gets what happens beside the answer; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Service signs records in. It is safe for concurrent use; make one with [New].
type Service struct {
	data     *auth.Data
	mails    *auth.Mails
	oauth2   *oauth2.Client
	writes   *writes.Service
	log      *slog.Logger
	now      func() time.Time
	otps     *OTPs
	requests keyLocks // for one-time passwords, by record
	attempts attempts
}

// New returns the service for the records of an application. mails sends codes and alerts, providers asks the providers of
// OAuth2, and w is the way in for the records of their users.
func New(w *writes.Service, data *auth.Data, mails *auth.Mails, providers *oauth2.Client, o Options) *Service {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Service{data: data, mails: mails, oauth2: providers, writes: w, log: o.Logger, now: o.Now, otps: NewOTPs(data)}
}

// Attempt is one attempt to sign in. The rate limits of its route were asked before.
type Attempt struct {
	// Collection is the auth collection whose record somebody wants to be.
	Collection *schema.Collection
	Credential Credential
	// Request is the request, as hooks see it; rules see that of its caller.
	Request *writes.RequestInfo
	// MFASession is what was sent as the id of the session that another method began, nil for nothing.
	MFASession any
	// Origin is the place that it comes from.
	Origin auth.Origin
	// Client is whom tries are charged to.
	Client string
	// SuperuserAddress tells whether superusers may sign in from there.
	SuperuserAddress bool
}

// Outcome is somebody who is signed in.
type Outcome struct {
	Record *records.Record
	Token  string
	// Meta is told to the client about the sign-in, nil for nothing.
	Meta any
}

// SignIn leads an attempt through all stages. It fails with the errors of the credential's kind (a *auth.FormError of what was
// sent among them), [ErrAttempts], [ErrAddress], [ErrAuthRule], those of [Service.secondFactor] ([ErrMFARule], [ErrMFAID],
// [ErrMFASession], [ErrMFARecord], [ErrMFAMethod]), auth.ErrBusy, and the errors of the database. A [*SecondFactorError] is no
// failure: the client has to come again with another method and the session in it.
func (s *Service) SignIn(ctx context.Context, in Attempt) (Outcome, error) {
	a := &attempt{Attempt: &in, kind: in.Credential.Kind()}
	for _, stage := range []func(context.Context, *attempt) error{
		s.admit,        // this kind is taken, the form is whole, tries are left
		s.verify,       // the credential is somebody's
		s.permit,       // who may sign in, from here: addresses of superusers, the auth rule
		s.secondFactor, // another method came before, where one is needed
		s.locate,       // whether the place is a new one
		s.issue,        // the token
		s.alert,        // a mail about a new place, which is noted then
	} {
		if err := stage(ctx, a); err != nil {
			return Outcome{}, err
		}
	}
	return Outcome{Record: a.proof.Record, Token: a.token, Meta: a.proof.Meta}, nil
}

// attempt is an attempt on its way through the stages.
type attempt struct {
	*Attempt
	kind    Kind
	claimed *records.Record // before the credential was verified, nil for nobody
	proof   *Proof          // after that
	history *history        // where origins are noted, nil otherwise
	token   string
}

// admit refuses what need not be looked at: nothing has been compared when it fails. The places where passwords and codes
// are compared are bounded, too, by auth.Passwords; whoever finds none is refused before anything else happens.
func (s *Service) admit(ctx context.Context, a *attempt) (err error) {
	if err := a.Credential.Enabled(a.Collection.Auth); err != nil {
		return err
	}
	if err := a.Credential.Validate(a.Collection.Auth); err != nil {
		return err
	}
	if a.claimed, err = a.Credential.Claim(ctx, a.Collection); err != nil {
		return err
	}
	if a.claimed != nil && a.kind.Guessable && !s.attempts.take(a.Collection.ID, a.claimed.ID(), a.Client, s.now()) {
		return ErrAttempts
	}
	return nil
}

// verify asks the credential whose it is.
func (s *Service) verify(ctx context.Context, a *attempt) (err error) {
	a.proof, err = a.Credential.Verify(ctx, a.Attempt, a.claimed)
	return err
}

// issue makes the token, unless an older one goes on counting.
func (s *Service) issue(_ context.Context, a *attempt) (err error) {
	if a.proof.Token != "" {
		a.token = a.proof.Token
		return nil
	}
	grant := auth.Grant{Kind: auth.AuthToken, Refreshable: true}
	if a.proof.Grant != nil {
		grant = *a.proof.Grant
	}
	a.token, err = auth.Issue(a.proof.Record, grant, s.now())
	return err
}
