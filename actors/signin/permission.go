package signin

import (
	"context"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// permit asks the address list of superusers and the auth rule. A superuser who asks is not judged by the rule. It fails with
// [ErrAddress], or [ErrAuthRule], also when the rule cannot be evaluated.
func (s *Service) permit(ctx context.Context, a *attempt) error {
	r, req := a.proof.Record, a.Request.Caller.Request
	if r.Collection.IsSuperusers() && !a.SuperuserAddress {
		return ErrAddress
	}
	if req.Auth != nil && req.Auth.Superuser {
		return nil
	}
	if rule := r.Collection.Auth.AuthRule; rule != nil && *rule == "" {
		return nil
	}
	err := s.data.ReadAuth(ctx, r.Collection.ID, func(reader *sqlite.Reader, c *schema.Collection) error {
		if c.Auth.AuthRule == nil {
			return ErrAuthRule
		}
		met, err := s.data.MeetsRule(reader, c, r.ID(), *c.Auth.AuthRule, req)
		switch {
		case errors.Is(err, records.ErrQuery):
			return fmt.Errorf("%w: %w", ErrAuthRule, err)
		case err == nil && !met:
			return ErrAuthRule
		}
		return err
	})
	if errors.Is(err, records.ErrNoCollection) {
		return ErrAuthRule // deleted meanwhile
	}
	return err
}
