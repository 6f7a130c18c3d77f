package records

import (
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// submission is a body laid over a record.
type submission struct {
	// record holds the values as they would be stored.
	record *Record
	// body is what rules see: modifiers resolved to the plain name, known fields cast, unknown keys as sent. It has the names of the
	// known fields that the request changes and of no others.
	body map[string]any
}

// submit applies a body to r, which belongs to the submission from then on. Keys are applied from shorter to longer, so that a plain value comes before
// the modifiers of the same field.
func submit(r *Record, raw map[string]any, uploads []*PendingFile, superuser bool) *submission {
	s := &submission{record: r, body: make(map[string]any, len(raw))}
	if len(uploads) > 0 {
		raw = withUploads(raw, uploads)
	}
	var few [16]string // enough for most bodies
	keys := few[:0]
	for k := range raw {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	for _, key := range keys {
		s.set(key, raw[key], superuser)
	}
	s.showUploads(uploads)
	return s
}

// changes tells whether the request changes a field.
func (s *submission) changes(field string) bool {
	_, ok := s.body[field]
	return ok
}

func (s *submission) set(key string, raw any, superuser bool) {
	c := s.record.Collection
	name, _, _ := splitKey(c, key)
	i := c.FieldIndex(name)
	if i < 0 {
		s.body[key] = raw
		return
	}
	f := c.Fields[i]
	if f.Base().Hidden && !superuser && !(c.IsAuth() && name == "password") {
		return
	}
	if f.Role() == schema.RoleComputed {
		return
	}
	_, v, ok := s.record.assign(key, raw)
	if !ok {
		s.body[key] = raw
		return
	}
	s.body[name] = v
}

// splitKey takes the modifier off a key. A key that is a field's name has none.
func splitKey(c *schema.Collection, key string) (name string, m schema.Modification, modified bool) {
	switch {
	case c.FieldIndex(key) >= 0:
		return key, 0, false
	case strings.HasSuffix(key, "+"):
		return key[:len(key)-1], schema.Append, true
	case strings.HasSuffix(key, "-"):
		return key[:len(key)-1], schema.Remove, true
	case strings.HasPrefix(key, "+"):
		return key[1:], schema.Prepend, true
	}
	if name, found := strings.CutSuffix(key, ":autogenerate"); found {
		return name, schema.Autogenerate, true
	}
	return key, 0, false
}

// request returns the caller's request with the body that rules are to see.
func (s *submission) request(caller *Caller) *filter.Request {
	req := *caller.Request
	req.Body = s.body
	return &req
}
