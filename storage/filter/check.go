package filter

import (
	"errors"
	"time"

	"github.com/troupebase/troupe/storage/schema"
)

// Check tells whether a rule can be used with a collection: it must parse and resolve against its fields. nil means
// yes; the error is an *[Error] whose text is meant for the operator. The collection need not be in the catalogue yet.
func Check(cat *schema.Catalogue, c *schema.Collection, rule string) error {
	e, err := Parse(rule)
	if err != nil {
		return err
	}
	err = NewBuilder(cat, c, &Request{Now: time.Time{}}).Where(e, Rule)
	var known *Error
	if err != nil && !errors.As(err, &known) {
		return errorf("%v", err)
	}
	return err
}
