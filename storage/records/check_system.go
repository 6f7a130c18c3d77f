package records

import (
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

var (
	leafNoAuthCollection = validation.New("validation_invalid_collection_id", "Missing or invalid collection.")
	leafNoAuthRecord     = validation.New("validation_invalid_record", "Missing or invalid record.")
	leafNoProvider       = validation.New("validation_in_invalid", "Must be a valid value.")
)

// ownedNames are the collections whose rows belong to a record of an auth collection.
var ownedNames = map[string]bool{mfasName: true, otpsName: true, authOriginsName: true, externalAuthsName: true}

// isOwned tells whether the rows of c belong to records of auth collections.
func isOwned(c *schema.Collection) bool { return c.System && ownedNames[c.Name] }

// checkOwner adds the first thing that is wrong with a row that is to belong to a record. It is asked last: where
// something else is wrong already nothing is added.
func checkOwner(cat *schema.Catalogue, p Preparer, r *Record, errs validation.Errors) error {
	if !isOwned(r.Collection) || failed(errs) {
		return nil
	}
	owner := cat.ByID(r.Text("collectionRef"))
	if owner == nil || !owner.IsAuth() {
		errs.Set("collectionRef", leafNoAuthCollection)
		return nil
	}
	found, err := exists(p, "SELECT 1 FROM "+quote(owner.Name)+" WHERE `id` = ? LIMIT 1", r.Text("recordRef"))
	switch {
	case err != nil:
		return err
	case !found:
		errs.Set("recordRef", leafNoAuthRecord)
	case r.Collection.Name == externalAuthsName && !schema.IsProvider(r.Text("provider")):
		errs.Set("provider", leafNoProvider)
	}
	return nil
}
