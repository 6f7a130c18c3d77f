package signin

import (
	"cmp"
	"context"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// Kind is what all credentials of one kind have in common.
type Kind struct {
	// Method is what the kind is called where two factors are told apart, and the context that rules see. Empty means that
	// nobody signs in: they are given a token for who they are already, so nothing is asked or noted beside the auth rule.
	Method string
	// Guessable says that what is shown is short enough to be found by trying: tries are counted and bounded.
	Guessable bool
}

// Context is what rules see as @request.context.
func (k Kind) Context() string { return cmp.Or(k.Method, "default") }

// Credential is what somebody shows to be signed in, once: a value is made for one attempt and used for no other.
type Credential interface {
	// Kind returns what holds for all of its kind.
	Kind() Kind
	// Enabled fails when the collection does not take credentials of this kind.
	Enabled(o *schema.AuthOptions) error
	// Validate checks what was sent, without looking anything up. It fails with a *auth.FormError.
	Validate(o *schema.AuthOptions) error
	// Claim returns the record that the credential claims to be one of, nil when there is none, or when nobody can tell before
	// it was verified. Nothing is compared yet, so tries can be counted before that.
	Claim(ctx context.Context, c *schema.Collection) (*records.Record, error)
	// Verify tells whether the claim is true. It takes as long for nobody as for somebody with a wrong secret, and uses
	// up what counts once.
	Verify(ctx context.Context, a *Attempt, claimed *records.Record) (*Proof, error)
}

// Proof is what a credential proved.
type Proof struct {
	// Record is whose it is.
	Record *records.Record
	// Meta is told to the client about the sign-in, nil for nothing.
	Meta any
	// Token is the token that goes on counting; empty for a new one.
	Token string
	// Grant describes the new token; nil is the usual one, which can be refreshed.
	Grant *auth.Grant
}
