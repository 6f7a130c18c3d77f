package examples

import (
	"context"
	"encoding/json"
	"maps"

	"github.com/troupebase/troupe/wasmhost"
)

// store is a host with one collection, notes, in memory. It is for one goroutine.
type store struct {
	notes map[string]*record
	query wasmhost.Query // of the last list
	ended []string       // how transactions ended
}

func newStore() *store { return &store{notes: map[string]*record{}} }

func missing(what string) error {
	return &wasmhost.Error{Errno: wasmhost.NotFound, Message: what + " does not exist"}
}

func (s *store) Collection(_ context.Context, name string) (string, error) { return name, nil }

func (s *store) Find(_ context.Context, _ wasmhost.Authority, collection, id string) (wasmhost.Record, error) {
	r := s.notes[id]
	if r == nil || collection != "notes" {
		return nil, missing(id)
	}
	return &record{collection: collection, fields: maps.Clone(r.fields)}, nil
}

// List gives the records with the title in the parameter t.
func (s *store) List(_ context.Context, _ wasmhost.Authority, _ string, q wasmhost.Query) ([]wasmhost.Record, error) {
	s.query = q
	var list []wasmhost.Record
	for _, r := range s.notes {
		if string(r.fields["title"]) == string(q.Params["t"]) {
			list = append(list, r)
		}
	}
	return list, nil
}

func (s *store) Create(ctx context.Context, as wasmhost.Authority, collection string, body []byte) (wasmhost.Record, error) {
	r := &record{collection: collection}
	if err := json.Unmarshal(body, &r.fields); err != nil {
		return nil, err
	}
	if r.text("title") == "taboo" {
		no := &wasmhost.Rejection{Status: 409, Message: "Not that.", Fields: map[string]wasmhost.FieldFailure{"title": {Code: "validation_taboo", Message: "Is taboo."}}}
		return nil, &wasmhost.Error{Errno: wasmhost.Failed, Message: "{}", Refusal: no}
	}
	id := text(r.fields["id"])
	s.notes[id] = r
	return s.Find(ctx, as, collection, id)
}

func (s *store) Update(ctx context.Context, as wasmhost.Authority, collection, id string, body []byte) (wasmhost.Record, error) {
	if s.notes[id] == nil {
		return nil, missing(id)
	}
	if err := json.Unmarshal(body, &s.notes[id].fields); err != nil {
		return nil, err
	}
	return s.Find(ctx, as, collection, id)
}

func (s *store) Delete(_ context.Context, _ wasmhost.Authority, _, id string) error {
	if s.notes[id] == nil {
		return missing(id)
	}
	delete(s.notes, id)
	return nil
}

// Begin begins a transaction that takes nothing back, but is noted.
func (s *store) Begin(ctx context.Context) (wasmhost.Transaction, error) {
	return transaction{ctx, s}, nil
}

type transaction struct {
	ctx   context.Context
	store *store
}

func (t transaction) Context() context.Context { return t.ctx }
func (t transaction) Commit() error            { return t.end("committed") }
func (t transaction) Rollback() error          { return t.end("rolled back") }

func (t transaction) end(how string) error {
	t.store.ended = append(t.store.ended, how)
	return nil
}

// SQL gives the parameters back as a row.
func (s *store) SQL(_ context.Context, _ string, p wasmhost.Params) (*wasmhost.Rows, error) {
	row, err := json.Marshal(p.Positional)
	return &wasmhost.Rows{Rows: [][]byte{row}, Affected: 5}, err
}

// record holds its fields as JSON.
type record struct {
	collection   string
	fields       map[string]json.RawMessage
	hidden, show []string
}

// note makes a record with text fields: names and values in turn.
func note(pairs ...string) *record {
	r := &record{collection: "notes", fields: map[string]json.RawMessage{}}
	for i := 0; i < len(pairs); i += 2 {
		r.fields[pairs[i]] = quoted(pairs[i+1])
	}
	return r
}

func quoted(s string) json.RawMessage {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings can be marshalled
	}
	return b
}

// text is a JSON string as text, and anything else as it is.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

func (r *record) text(field string) string { return text(r.fields[field]) }

func (r *record) Collection() string { return r.collection }

func (r *record) Size() int { return 0 }

func (r *record) AppendText(dst []byte, field string) ([]byte, error) {
	raw, ok := r.fields[field]
	if !ok {
		return dst, missing(field)
	}
	return append(dst, text(raw)...), nil
}

func (r *record) SetText(key, value string) error { return r.SetJSON(key, quoted(value)) }

func (r *record) Number(field string) (n float64, err error) {
	if string(r.fields[field]) == "true" {
		return 1, nil
	}
	if string(r.fields[field]) == "false" {
		return 0, nil
	}
	if json.Unmarshal(r.fields[field], &n) != nil {
		return 0, &wasmhost.Error{Errno: wasmhost.Invalid, Message: "not a number"}
	}
	return n, nil
}

func (r *record) SetNumber(key string, v float64) error {
	raw, err := json.Marshal(v)
	r.fields[key] = raw
	return err
}

func (r *record) AppendJSON(dst []byte, field string) ([]byte, error) {
	raw, ok := r.fields[field]
	if !ok {
		return dst, missing(field)
	}
	return append(dst, raw...), nil
}

func (r *record) SetJSON(key string, raw []byte) error {
	r.fields[key] = append(json.RawMessage(nil), raw...)
	return nil
}

func (r *record) Original() (wasmhost.Record, error) { return nil, missing("the original") }

func (r *record) Hide(field string) error {
	r.hidden = append(r.hidden, field)
	return nil
}

func (r *record) Show(field string) error {
	r.show = append(r.show, field)
	return nil
}

// request is a request whose parts are in a map: "param name", "query q", "header X".
type request struct {
	parts map[string]string
	body  string
}

func (r *request) Method() string        { return "POST" }
func (r *request) Path() string          { return "/tour/a b" }
func (r *request) URI() string           { return "/tour/a%20b?q=x" }
func (r *request) RealIP() string        { return "192.0.2.1" }
func (r *request) Situation() string     { return "default" }
func (r *request) Body() ([]byte, error) { return []byte(r.body), nil }

func (r *request) part(kind, name string) (string, bool) {
	v, ok := r.parts[kind+" "+name]
	return v, ok
}

func (r *request) Param(name string) (string, bool)        { return r.part("param", name) }
func (r *request) QueryLookup(name string) (string, bool)  { return r.part("query", name) }
func (r *request) HeaderLookup(name string) (string, bool) { return r.part("header", name) }
