package records

import (
	"errors"
	"slices"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// The failures of the columns that say which auth record a row of a system collection belongs to.
var (
	failureNoOwnerCollection = validation.New("validation_invalid_collection_id", "Missing or invalid collection.")
	failureNoOwner           = validation.New("validation_invalid_record", "Missing or invalid record.")
	failureNoProvider        = validation.New("validation_in_invalid", "Must be a valid value.")
)

// hasOwner tells whether the rows of a collection belong to records of auth collections.
func hasOwner(c *schema.Collection) bool {
	return c.System && slices.Contains([]string{mfasName, otpsName, authOriginsName, externalAuthsName}, c.Name)
}

// checkOwner adds the first failure of what such a row refers to, once all its values are valid by themselves.
func checkOwner(cat *schema.Catalogue, p Preparer, r *Record, errs validation.Errors) error {
	if len(errs) > 0 || !hasOwner(r.Collection) {
		return nil
	}
	of := cat.ByID(r.Text("collectionRef"))
	if of == nil || !of.IsAuth() {
		errs["collectionRef"] = failureNoOwnerCollection
		return nil
	}
	_, err := Find(p, of, r.Text("recordRef"))
	if errors.Is(err, ErrNotFound) {
		errs["recordRef"] = failureNoOwner
		return nil
	}
	if err != nil {
		return err
	}
	if r.Collection.Name != externalAuthsName {
		return nil
	}
	if _, known := schema.ProviderByName(r.Text("provider")); !known {
		errs["provider"] = failureNoProvider
	}
	return nil
}
