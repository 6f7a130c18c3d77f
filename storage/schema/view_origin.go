package schema

// maxOriginDepth is how many views over views are followed to where a column comes from.
const maxOriginDepth = 5

// Origin is where a column of a view comes from.
type Origin struct {
	// Collection is no view, and Field is one of its fields.
	Collection *Collection
	Field      Field
	// SameID tells that the ids of the view are those of Collection, row by row.
	SameID bool
}

// Origin returns the field of a stored collection that a field of a view shows as it is. It reports false when there is
// none: the field is computed, or the view lies over too many others.
func (cat *Catalogue) Origin(view *Collection, field string) (Origin, bool) {
	at, sameID := view, true
	for range maxOriginDepth {
		src, err := parseQuery(trimQuery(at.ViewQuery))
		if err != nil {
			return Origin{}, false
		}
		alias, column := src.find(field)
		of := sourceTables(src.tables, cat.Collections)(alias)
		if of == nil {
			return Origin{}, false
		}
		idAlias, id := src.find("id")
		sameID = sameID && idAlias == alias && sameName(id, "id")
		for _, f := range of.Fields {
			if sameName(f.Base().Name, column) {
				column = f.Base().Name
				if !of.IsView() {
					return Origin{of, f, sameID}, true
				}
			}
		}
		at, field = of, column
	}
	return Origin{}, false
}

// find returns what the last result column of a name shows.
func (s *querySources) find(name string) (alias, column string) {
	for _, c := range s.columns {
		if c.alias == name {
			alias, column = sourceColumn(c, s.tables)
		}
	}
	return alias, column
}
