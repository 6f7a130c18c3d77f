package records

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/troupebase/troupe/storage/schema"
)

// RestoreRecord reads what [Store.AppendRecord] wrote and returns the record as one that is stored. Fields that the collection has got since, and
// the secrets of auth records, which are not written, have their zero values; what it has no field for any more is passed over.
func RestoreRecord(c *schema.Collection, text []byte) (*Record, error) {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("restore a record of %s: %w", c.Name, err)
	}
	r := NewRecord(c)
	for i, f := range c.Fields {
		raw, there := values[f.Base().Name]
		if !there || schema.Secret(c, f) {
			continue
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, fmt.Errorf("restore %s of a record of %s: %w", f.Base().Name, c.Name, err)
		}
		if _, isJSON := f.Zero().(schema.JSON); isJSON && v != nil {
			v = schema.JSON(raw) // a number of it may be longer than a float
		}
		r.Values[i] = f.Cast(v)
	}
	if r.ID() == "" {
		return nil, errors.New("restore a record of " + c.Name + ": it has no id")
	}
	r.settled()
	return r, nil
}
