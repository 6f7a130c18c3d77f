package auth

import (
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// FindUnique returns the record whose field has that value, nil when there is none. The field must have a unique index of
// its own, which decides whether the case of letters counts. It fails with [ErrIdentityField] where it has none.
func FindUnique(p records.Preparer, c *schema.Collection, field, value string) (*records.Record, error) {
	return findBy(p, c, field, value)
}
