package records

import (
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// runningDeletion is a deletion in pieces from the moment at which it was found out what belongs to it until its end. Meanwhile nobody else
// writes its records, and nobody refers to those that will be gone: so what was found out stays true, and the pieces leave
// nothing behind. It is not changed once units can see it. A nil one holds nothing.
type runningDeletion struct {
	members map[string]map[string]bool // by collection and record id: true for a record that will be gone, false for one that will be changed
	done    chan struct{}              // closed when it has ended
}

// BeingDeletedError says that a record belongs to a deletion that is under way, or would refer to one that does. Nothing was
// written; once the deletion has ended the same write will say what has become of it.
type BeingDeletedError struct {
	// Done is closed at the end of the deletion.
	Done <-chan struct{}
}

// Error says what keeps the record from being written.
func (e *BeingDeletedError) Error() string { return "the record is being deleted" }

// Unwrap returns sqlite.ErrBusy: trying again makes sense.
func (e *BeingDeletedError) Unwrap() error { return sqlite.ErrBusy }

// has tells whether a record belongs to the deletion, and whether it will be gone.
func (g *runningDeletion) has(collectionID, id string) (gone, member bool) {
	if g == nil {
		return false, false
	}
	gone, member = g.members[collectionID][id]
	return gone, member
}

// count is how many records of a collection will be gone.
func (g *runningDeletion) count(collectionID string) (n int) {
	if g == nil {
		return 0
	}
	for _, gone := range g.members[collectionID] {
		if gone {
			n++
		}
	}
	return n
}

// refuseWrite fails with a *[BeingDeletedError] for a record of a deletion that is under way.
func (s *Store) refuseWrite(c *schema.Collection, id string) error {
	g := s.running.Load()
	if _, member := g.has(c.ID, id); member {
		return &BeingDeletedError{g.done}
	}
	return nil
}

// refuseReferences fails with a *[BeingDeletedError] for a record that refers to one of a deletion that is under way.
func (s *Store) refuseReferences(r *Record) error {
	g := s.running.Load()
	if g == nil {
		return nil
	}
	for i, f := range r.Collection.Fields {
		rel, ok := f.(*schema.RelationField)
		if !ok || rel.Polymorphic() {
			continue
		}
		for _, id := range idsOf(r.Values[i]) {
			if gone, _ := g.has(rel.CollectionID, id); gone {
				return &BeingDeletedError{g.done}
			}
		}
	}
	return nil
}
