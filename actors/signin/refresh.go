package signin

import (
	"context"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// Refresh is a token that counts and is to be exchanged for a fresh one. One that cannot be refreshed is given back as it is.
// Make one with [Service.Refresh], and fill it.
type Refresh struct {
	// Session is the token as it was verified, Token its text.
	Session *auth.Session
	Token   string

	data *auth.Data
}

// Refresh returns a token to be filled.
func (s *Service) Refresh() *Refresh { return &Refresh{data: s.data} }

// Kind implements [Credential].
func (f *Refresh) Kind() Kind { return Kind{} }

// Enabled implements [Credential].
func (f *Refresh) Enabled(*schema.AuthOptions) error { return nil }

// Validate implements [Credential].
func (f *Refresh) Validate(*schema.AuthOptions) error { return nil }

// Claim implements [Credential]: it reads the record anew. It fails with records.ErrNotFound or the errors of the database.
func (f *Refresh) Claim(ctx context.Context, c *schema.Collection) (*records.Record, error) {
	return f.data.Load(ctx, c.ID, f.Session.Identity.ID)
}

// Verify implements [Credential]. It fails with auth.ErrToken when the token has ended since the session was verified: what is
// signed for the record counts whatever became of the token that asked for it.
func (f *Refresh) Verify(_ context.Context, _ *Attempt, claimed *records.Record) (*Proof, error) {
	if f.Session.Credential.TokenKey != claimed.Text("tokenKey") {
		return nil, auth.ErrToken
	}
	if f.Session.Claims.Refreshable {
		return &Proof{Record: claimed}, nil
	}
	return &Proof{Record: claimed, Token: f.Token}, nil
}
