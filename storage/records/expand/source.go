package expand

import (
	"slices"

	"github.com/troupebase/troupe/storage/schema"
)

// Source reads the records that an [Answer] asks for. It is used by the answer's goroutine.
type Source interface {
	// Related reads records of q.Collection that the caller may view, and gathers them with [Answer.Rows]. Those that may not be
	// viewed, or do not exist, are missing.
	Related(q Query) ([]*Node, error)
}

// Query asks for the records of one collection.
type Query struct {
	Collection *schema.Collection
	// IDs are those of the records or, where Via is set, of the records that they refer to with that field.
	IDs []string
	Via *schema.RelationField
	// Relations are the fields whose ids the nodes have to carry.
	Relations []*schema.RelationField
	// Optional tells that nobody asked for the records: where the collection cannot be read the source returns none.
	Optional bool
}

// Limit returns what tells by the relations of a row whether there is a place for it in the answer, nil where there always is: of a
// back relation each record takes [MaxBackRelated].
func (q Query) Limit() func([]Related) bool {
	if q.Via == nil {
		return nil
	}
	at := slices.Index(q.Relations, q.Via)
	taken := make(map[string]int)
	return func(list []Related) bool {
		room := false
		for _, id := range list[at].IDs {
			taken[id]++
			room = room || taken[id] <= MaxBackRelated
		}
		return room
	}
}
