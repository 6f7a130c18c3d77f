package guests

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/wasmhost"
)

// record is a record as extensions reach it. It implements wasmhost.Record.
type record struct {
	store *records.Store
	// at returns the record: hooks may put another one in its place.
	at func() *records.Record
	// shown is the record's way to whoever asked for it, nil outside of that.
	shown *records.Shown
	// fixed tells that changes would not count.
	fixed bool
	// credentials tells that the guest may decide who can sign in.
	credentials bool
	// given is how many bytes the guest has put into what is shown.
	given int
}

// maxGiven is how many bytes one call may put into a record that is shown: an answer holds hundreds of them at once.
const maxGiven = 1 << 20

// found is a record that a guest asked for.
func found(store *records.Store, r *records.Record) *record {
	return &record{store: store, at: func() *records.Record { return r }, fixed: true}
}

var (
	errFixed     = &wasmhost.Error{Errno: wasmhost.Context, Message: "a change of the record would not count here"}
	errNotShown  = &wasmhost.Error{Errno: wasmhost.Context, Message: "the record is not being shown"}
	errNoNumber  = &wasmhost.Error{Errno: wasmhost.Invalid, Message: "the field holds no number"}
	errNewRecord = &wasmhost.Error{Errno: wasmhost.NotFound, Message: "the record is new"}
	errGiven     = &wasmhost.Error{Errno: wasmhost.Limit, Message: "too many bytes for a record that is shown"}
	errBadJSON   = &wasmhost.Error{Errno: wasmhost.Invalid, Message: "not valid JSON"}
)

// Collection implements wasmhost.Record.
func (g *record) Collection() string { return g.at().Collection.Name }

// fieldSize is about what a field takes beside the bytes of its value.
const fieldSize = 32

// Size implements wasmhost.Record.
func (g *record) Size() (n int) {
	for _, v := range g.at().Values {
		n += fieldSize
		switch v := v.(type) {
		case string:
			n += len(v)
		case schema.JSON:
			n += len(v)
		case []string:
			for _, s := range v {
				n += fieldSize + len(s)
			}
		}
	}
	return n
}

// field returns a field that guests may read, and its value.
func (g *record) field(name string) (schema.Field, schema.Value, error) {
	r := g.at()
	i, err := readable(r.Collection, name)
	if err != nil {
		return nil, nil, fieldError(err)
	}
	return r.Collection.Fields[i], r.Values[i], nil
}

// fieldError is why a field cannot be read or set, as a guest is told.
func fieldError(err error) error {
	class := wasmhost.Forbidden
	if errors.Is(err, ErrNoField) {
		class = wasmhost.NotFound
	}
	return &wasmhost.Error{Errno: class, Message: err.Error()}
}

// AppendText implements wasmhost.Record.
func (g *record) AppendText(dst []byte, name string) ([]byte, error) {
	f, v, err := g.field(name)
	if err != nil {
		return dst, err
	}
	switch v := v.(type) {
	case string:
		return append(dst, v...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	}
	return f.AppendValue(dst, v), nil
}

// Number implements wasmhost.Record.
func (g *record) Number(name string) (float64, error) {
	_, v, err := g.field(name)
	if err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case float64:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	}
	return 0, errNoNumber
}

// AppendJSON implements wasmhost.Record.
func (g *record) AppendJSON(dst []byte, name string) ([]byte, error) {
	if name == "" {
		return g.store.AppendRecord(dst, g.at()), nil
	}
	f, v, err := g.field(name)
	if err != nil {
		return dst, err
	}
	return f.AppendValue(dst, v), nil
}

// set gives a field a value, which came as size bytes.
func (g *record) set(key string, value any, size int) error {
	if g.shown != nil {
		if g.given += len(key) + size; g.given > maxGiven {
			return errGiven
		}
		if err := g.shown.Set(key, value); err != nil {
			return &wasmhost.Error{Errno: wasmhost.Invalid, Message: err.Error()}
		}
		return nil
	}
	if g.fixed {
		return errFixed
	}
	if err := settable(g.at().Collection, key, g.credentials); err != nil {
		return fieldError(err)
	}
	if !g.at().Set(key, value) {
		return fieldError(ErrNoField)
	}
	return nil
}

// SetText implements wasmhost.Record.
func (g *record) SetText(key, value string) error { return g.set(key, value, len(value)) }

// SetNumber implements wasmhost.Record.
func (g *record) SetNumber(key string, v float64) error { return g.set(key, v, fieldSize) }

// SetJSON implements wasmhost.Record.
func (g *record) SetJSON(key string, raw []byte) error {
	if g.shown != nil && g.at().Collection.FieldIndex(key) < 0 {
		return g.set(key, json.RawMessage(slices.Clone(raw)), len(raw))
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return errBadJSON
	}
	return g.set(key, value, len(raw))
}

// Original implements wasmhost.Record.
func (g *record) Original() (wasmhost.Record, error) {
	r := g.at().Original()
	if r == nil {
		return nil, errNewRecord
	}
	return found(g.store, r), nil
}

// Hide implements wasmhost.Record.
func (g *record) Hide(name string) error {
	if g.shown == nil {
		return errNotShown
	}
	g.shown.Hide(name)
	return nil
}

// Show implements wasmhost.Record.
func (g *record) Show(name string) error {
	if g.shown == nil {
		return errNotShown
	}
	g.shown.Show(name)
	return nil
}
