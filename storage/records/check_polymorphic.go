package records

import (
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// The failures of polymorphic relations beside those of all relations.
var (
	failureNotComposite = validation.New("validation_missing_rel_records", "Polymorphic relation requires values in '<collectionId>:<id>' format.")
	failureNotAllowed   = validation.New("validation_missing_rel_records", "Invalid relation collection reference.")
)

// checkPolymorphic tells whether the records of a polymorphic field exist, nil when they do. Values that are in kept were
// checked when they were stored and may name records that are gone since: they take part in no other change.
func checkPolymorphic(cat *schema.Catalogue, p Preparer, f *schema.RelationField, values, kept []string) (*validation.Error, error) {
	known := make(map[string]bool, len(kept))
	for _, value := range kept {
		known[value] = true
	}
	var order []string
	wanted := make(map[string][]string) // ids by collection id
	seen := make(map[reference]bool, len(values))
	for _, value := range values {
		if known[value] {
			continue
		}
		collectionID, id, composite := strings.Cut(value, ":")
		switch {
		case !composite && len(f.CollectionIDs) > 1:
			return failureNotComposite, nil
		case !composite:
			collectionID, id = f.CollectionIDs[0], value
		case !slices.Contains(f.CollectionIDs, collectionID):
			return failureNotAllowed, nil
		}
		key := reference{collectionID, id}
		if seen[key] {
			continue // once with its collection, once without
		}
		seen[key] = true
		if wanted[collectionID] == nil {
			order = append(order, collectionID)
		}
		wanted[collectionID] = append(wanted[collectionID], id)
	}
	for _, collectionID := range order {
		target := cat.ByID(collectionID)
		if target == nil {
			return failureNoTarget, nil
		}
		all, err := allExist(p, target, wanted[collectionID])
		if err != nil {
			return nil, err
		}
		if !all {
			return failureNoRelated, nil
		}
	}
	return nil, nil
}

// reference names a record.
type reference struct{ collection, id string }
