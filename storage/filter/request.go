package filter

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/troupebase/troupe/storage/schema"
)

// Request is what an expression can read of a request. It is not changed while queries use it.
type Request struct {
	// Context is one of default, expand, realtime, protectedFile, batch, oauth2, otp, password.
	Context string
	// Method is the HTTP method in upper case.
	Method string
	// Source has the query parameters and headers; nil when there are none.
	Source Source
	// Body is the submitted body after modifiers were applied and known fields were cast: decoded JSON values or forms
	// of schema.Value.
	Body map[string]any
	// Auth is the signed-in record, nil for a guest.
	Auth *Identity
	// Now is the time of the request; all macros of one request agree on it.
	Now time.Time
	// Params are the values of the parameters of expressions that [Cache.ParseNamed] read.
	Params Params
}

// Identity is the record on whose behalf a request runs. It is immutable.
type Identity struct {
	Collection      *schema.Collection
	ID              string
	Email           string
	EmailVisibility bool
	Verified        bool
	// Superuser tells that the record may do everything.
	Superuser bool
	// Value returns the stored value of any field, hidden ones included. Nil when the values are not at hand: they are
	// then read by the query itself.
	Value func(field string) (schema.Value, bool)
}

// Upload is what a rule sees of an uploaded file under its field.
type Upload struct {
	Name         string
	OriginalName string
	Size         int64
}

// value is a request value, macro or literal in the form in which it is bound: nil, string, float64, int64 or bool.
type value = any

// requestPath is an "@request.…" identifier taken apart.
type requestPath struct {
	source   string // context, method, query, headers, body, auth
	parts    []string
	modifier string
}

// isset tells whether the path asks for the existence of its key; what is signed in has all of its fields.
func (p *requestPath) isset() bool { return p.modifier == "isset" && p.source != "auth" }

func (p *requestPath) equal(o *requestPath) bool {
	return p.source == o.source && p.modifier == o.modifier && slices.Equal(p.parts, o.parts)
}

// parseRequestPath takes "@request.body.a.b:lower" apart; ok is false when the shape is not one of filters.md 3.
func parseRequestPath(identifier string) (p requestPath, ok bool) {
	rest, found := strings.CutPrefix(identifier, "@request.")
	if !found {
		return p, false
	}
	if rest == "context" || rest == "method" {
		return requestPath{source: rest}, true
	}
	source, path, found := strings.Cut(rest, ".")
	if !found || path == "" {
		return p, false
	}
	switch source {
	case "auth", "body", "query", "headers":
	default:
		return p, false
	}
	path, modifier, modified := strings.Cut(path, ":")
	if path == "" || strings.HasSuffix(path, ".") || modified && (modifier == "" || strings.Contains(modifier, ":")) {
		return p, false
	}
	return requestPath{source: source, parts: strings.Split(path, "."), modifier: modifier}, true
}

// lookup returns the plain value of a path (without its modifier) and whether the key exists. Missing values are nil.
func (r *Request) lookup(p requestPath) (v any, exists bool) {
	switch p.source {
	case "context":
		return r.Context, true
	case "method":
		return r.Method, true
	case "query", "headers":
		return r.sent(p)
	case "body":
		return r.body(p.parts)
	case "auth":
		return r.auth(p.parts)
	}
	return nil, false
}

// sent is a query parameter or a header.
func (r *Request) sent(p requestPath) (any, bool) {
	if r.Source == nil {
		return nil, false
	}
	name := strings.Join(p.parts, ".")
	var s string
	var ok bool
	if p.source == "query" {
		s, ok = r.Source.Query(name)
	} else {
		s, ok = r.Source.Header(name)
	}
	if !ok {
		return nil, false
	}
	return s, true
}

func (r *Request) body(parts []string) (any, bool) {
	v, ok := r.Body[parts[0]]
	if !ok {
		return nil, false
	}
	for _, part := range parts[1:] {
		if text, ok := v.(schema.JSON); ok {
			v = nil
			if err := json.Unmarshal(text, &v); err != nil {
				return nil, false
			}
		}
		switch at := v.(type) {
		case map[string]any:
			v, ok = at[part]
		case []any:
			v, ok = element(at, part)
		case []string:
			var s string
			s, ok = element(at, part)
			v = s
		case []Upload:
			v, ok = element(at, part)
		case Upload:
			v, ok = at.part(part)
		case schema.GeoPoint:
			v, ok = geoPart(at, part)
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return v, true
}

func element[T any](list []T, index string) (T, bool) {
	var none T
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(list) {
		return none, false
	}
	return list[i], true
}

func (u Upload) part(name string) (any, bool) {
	switch name {
	case "name":
		return u.Name, true
	case "originalName":
		return u.OriginalName, true
	case "size":
		return float64(u.Size), true
	}
	return nil, false
}

func geoPart(p schema.GeoPoint, name string) (any, bool) {
	switch name {
	case "lon":
		return p.Lon, true
	case "lat":
		return p.Lat, true
	}
	return nil, false
}

// auth returns what the identity itself knows; exists is false for everything that only the row can tell.
func (r *Request) auth(parts []string) (any, bool) {
	if r.Auth == nil || len(parts) != 1 {
		return nil, false
	}
	switch parts[0] {
	case "id":
		return r.Auth.ID, true
	case "collectionId":
		return r.Auth.Collection.ID, true
	case "collectionName":
		return r.Auth.Collection.Name, true
	case "email":
		return r.Auth.Email, true
	case "emailVisibility":
		return r.Auth.EmailVisibility, true
	case "verified":
		return r.Auth.Verified, true
	}
	if r.Auth.Value == nil {
		return nil, false
	}
	return r.Auth.Value(parts[0])
}

// bindable turns a request value into the form that is bound: scalars as they are, everything else as JSON text.
func bindable(v any) value {
	switch v := v.(type) {
	case nil, string, float64, int64, bool:
		return v
	case int:
		return int64(v)
	case json.Number:
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	case schema.JSON:
		return jsonScalar(v)
	case schema.Password:
		if v.Plain != "" {
			return v.Plain
		}
		return v.Hash
	case Upload:
		return v.Name
	case []Upload:
		names := make([]string, len(v))
		for i, u := range v {
			names[i] = u.Name
		}
		return jsonText(names)
	}
	return jsonText(v)
}

func jsonText(v any) value {
	b, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return string(b)
}

// jsonScalar takes a json field's value as comparisons see it: scalars by value, lists and objects as their text.
func jsonScalar(j schema.JSON) value {
	if len(j) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(j, &v); err != nil {
		return string(j)
	}
	switch v := v.(type) {
	case nil, string, float64, bool:
		return v
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, j); err != nil {
		return string(j)
	}
	return compact.String()
}

// lowerASCII is SQLite's LOWER: ASCII letters only.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// textOf is the text that SQLite would make of a bound value.
func textOf(v value) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case bool:
		if v {
			return "1", true
		}
		return "0", true
	}
	return "", false
}
