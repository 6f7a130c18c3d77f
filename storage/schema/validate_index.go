package schema

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/troupebase/troupe/storage/validation"
)

// checkIndexes stops at the first index that is refused.
func (v *validator) checkIndexes() error {
	if v.c.Type == View {
		if len(v.c.Indexes) > 0 {
			return errNoIndexes
		}
		return nil
	}
	names, definitions := map[string]bool{}, map[string]bool{}
	for i, text := range v.c.Indexes {
		ix := ParseIndex(text)
		ix.Table = v.c.Name
		if ix.Table == "" {
			ix.Table = "-" // a missing name is reported elsewhere
		}
		if !ix.Valid() && v.c.keeps(v.stored, text) {
			continue
		}
		if err := v.checkIndex(ix, names, definitions); err != nil {
			return validation.Errors{decimal(i): err}
		}
	}
	if err := v.checkSystemIndexes(); err != nil {
		return err
	}
	return v.checkAuthIndexes()
}

// keeps tells whether the text of an index was stored before: whoever put it there, it is no reason to refuse another change.
func (c *Collection) keeps(stored *Collection, text string) bool {
	return stored != nil && stored != c && slices.Contains(stored.Indexes, text)
}

func (v *validator) checkIndex(ix Index, names, definitions map[string]bool) error {
	if !ix.Valid() {
		return errInvalidIndex
	}
	name := strings.ToLower(ix.Name)
	if names[name] {
		return errIndexName
	}
	table, err := v.db.indexTable(ix.Name)
	if err != nil {
		v.failure = err
		return nil
	}
	if table != "" && !sameName(table, v.c.Name) && (v.stored == nil || !sameName(table, v.stored.Name)) {
		return validation.New("validation_existing_index_name",
			fmt.Sprintf("The index name is already used in %s collection.", table)).
			With(map[string]any{"usedTableName": table})
	}
	definition := ix.definition()
	if definitions[definition] {
		return errIndexDefinition
	}
	names[name], definitions[definition] = true, true
	return nil
}

// checkSystemIndexes keeps what makes the values of system fields unique.
func (v *validator) checkSystemIndexes() error {
	if v.stored == nil {
		return nil
	}
	for _, text := range v.stored.Indexes {
		old := ParseIndex(text)
		name, ok := systemColumn(v.stored, old)
		if !old.Unique || !ok {
			continue
		}
		found := slices.ContainsFunc(v.c.Indexes, func(text string) bool {
			ix := ParseIndex(text)
			return ix.Unique && ix.sameColumns(old)
		})
		if found {
			continue
		}
		return validation.New("validation_invalid_unique_system_field_index",
			fmt.Sprintf("Unique index definition on system fields (%s) is invalid or missing.", name)).
			With(map[string]any{"fieldName": name})
	}
	return nil
}

// systemColumn returns the first column of an index that is a field of the system.
func systemColumn(c *Collection, ix Index) (name string, ok bool) {
	for _, column := range ix.Columns {
		for _, f := range c.Fields {
			if b := f.Base(); b.System && sameName(b.Name, column.Name) {
				return b.Name, true
			}
		}
	}
	return "", false
}

func (v *validator) checkAuthIndexes() error {
	if v.c.Type != Auth {
		return nil
	}
	for _, column := range []string{"tokenKey", "email"} {
		if _, ok := v.c.UniqueIndex(column); !ok {
			return validation.New("validation_missing_required_unique_index",
				fmt.Sprintf("Missing required unique index for field %q.", column)).
				With(map[string]any{"fieldName": column})
		}
	}
	return nil
}

func decimal(i int) string { return strconv.Itoa(i) }
