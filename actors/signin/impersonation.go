package signin

import (
	"context"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// Impersonation is the word of a superuser who wants a token for a record.
type Impersonation struct {
	// Seconds is how long the token counts; 0 is as long as others of the collection.
	Seconds int64 `json:"duration"`

	record string
	data   *auth.Data
}

// Impersonation returns an impersonation of a record, by its id, to be filled.
func (s *Service) Impersonation(id string) *Impersonation {
	return &Impersonation{record: id, data: s.data}
}

// Kind implements [Credential].
func (i *Impersonation) Kind() Kind { return Kind{} }

// Enabled implements [Credential].
func (i *Impersonation) Enabled(*schema.AuthOptions) error { return nil }

var invalidDuration = validation.New("validation_min_greater_equal_than_required", "Must be no less than 0.").With(map[string]any{"threshold": 0})

// Validate implements [Credential].
func (i *Impersonation) Validate(*schema.AuthOptions) error {
	errs := validation.Errors{}
	if i.Seconds < 0 {
		errs.Set("duration", invalidDuration)
	}
	return auth.CheckForm(errs)
}

// Claim implements [Credential]: it reads the record. It fails with records.ErrNotFound or the errors of the database.
func (i *Impersonation) Claim(ctx context.Context, c *schema.Collection) (*records.Record, error) {
	return i.data.Load(ctx, c.ID, i.record)
}

// Verify implements [Credential]. It fails with records.ErrForbidden for anybody but a superuser.
func (i *Impersonation) Verify(_ context.Context, a *Attempt, claimed *records.Record) (*Proof, error) {
	if !a.Request.Caller.Superuser {
		return nil, records.ErrForbidden
	}
	return &Proof{Record: claimed, Grant: &auth.Grant{Kind: auth.AuthToken, Duration: time.Duration(i.Seconds) * time.Second}}, nil
}
