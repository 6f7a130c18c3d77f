package auth

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// ErrIdentityField says that an identity field of the definition has lost its unique index.
var ErrIdentityField = errors.New("the identity field has no unique index")

// FindUnique returns the record whose field has that value, nil when there is none. The field must have a unique index of
// its own, which decides whether the case of letters counts. It fails with [ErrIdentityField] where it has none.
func FindUnique(p records.Preparer, c *schema.Collection, field, value string) (*records.Record, error) {
	index, ok := c.UniqueIndex(field)
	if !ok || c.FieldIndex(field) < 0 {
		return nil, fmt.Errorf("%w: %s of %s", ErrIdentityField, field, c.Name)
	}
	sql := "SELECT `id` FROM " + sqlite.QuoteName(c.Name) + " WHERE " + sqlite.QuoteName(field) + " = ?"
	if strings.EqualFold(index.Columns[0].Collate, "nocase") {
		sql += " COLLATE NOCASE"
	}
	if field == "email" {
		// The index leaves empty emails out, and SQLite only uses it for queries that do the same.
		sql += " AND `email` != ''"
	}
	stmt, err := p.Prepare(sql + " LIMIT 1")
	if err != nil {
		return nil, fmt.Errorf("look for %s in %s: %w", field, c.Name, err)
	}
	stmt.BindText(1, value)
	found, err := stmt.Step()
	if err != nil {
		return nil, fmt.Errorf("look for %s in %s: %w", field, c.Name, err)
	}
	if !found {
		return nil, nil
	}
	id := stmt.ColumnText(0)
	if err := stmt.Reset(); err != nil {
		return nil, fmt.Errorf("look for %s in %s: %w", field, c.Name, err)
	}
	return records.Find(p, c, id)
}
