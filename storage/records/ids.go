package records

import (
	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/schema"
)

// jsonList writes ids as a JSON list, the form in which a statement takes any number of them.
func jsonList(ids []string) string {
	list := make([]byte, 0, 20*len(ids)+2) // ids are usually 15 characters
	list = append(list, '[')
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		list = schema.AppendJSONString(list, id)
	}
	return string(append(list, ']'))
}

// readIDs steps a statement to its end and returns the ids of its rows.
func readIDs(stmt *zsqlite.Stmt) (ids []string, err error) {
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, failure(err)
		}
		if !more {
			return ids, nil
		}
		ids = append(ids, stmt.ColumnText(idColumn))
	}
}
