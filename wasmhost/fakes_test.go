package wasmhost

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// FakeRecord holds JSON values.
type FakeRecord struct {
	collection string
	Fields     map[string]string
	hidden     map[string]bool
	original   *FakeRecord
	Panics     bool
}

func NewFakeRecord(collection string, pairs ...string) *FakeRecord {
	r := &FakeRecord{collection: collection, Fields: map[string]string{}, hidden: map[string]bool{}}
	for n := 0; n < len(pairs); n += 2 {
		r.Fields[pairs[n]] = pairs[n+1]
	}
	return r
}

var errNoField = &Error{Errno: NotFound, Message: "no such field"}

func (r *FakeRecord) Collection() string { return r.collection }

func (r *FakeRecord) Size() (n int) {
	for _, v := range r.Fields {
		n += len(v)
	}
	return n
}

func (r *FakeRecord) AppendText(dst []byte, field string) ([]byte, error) {
	if r.Panics {
		panic("the record is out of order")
	}
	v, ok := r.Fields[field]
	if !ok {
		return dst, errNoField
	}
	if len(v) >= 2 && v[0] == '"' && !strings.Contains(v, `\`) {
		return append(dst, v[1:len(v)-1]...), nil
	}
	var s string
	if json.Unmarshal([]byte(v), &s) == nil {
		return append(dst, s...), nil
	}
	return append(dst, v...), nil
}

func (r *FakeRecord) SetText(key, value string) error {
	if key == "readonly" {
		return &Error{Errno: Context, Message: "not now"}
	}
	if !strings.ContainsAny(value, "\"\\") {
		r.Fields[key] = `"` + value + `"`
		return nil
	}
	b, err := json.Marshal(value)
	r.Fields[key] = string(b)
	return err
}

func (r *FakeRecord) Number(field string) (float64, error) {
	v, ok := r.Fields[field]
	if !ok {
		return 0, errNoField
	}
	var f float64
	if json.Unmarshal([]byte(v), &f) != nil {
		return 0, invalid("not a number")
	}
	return f, nil
}

func (r *FakeRecord) SetNumber(key string, v float64) error {
	r.Fields[key] = fmt.Sprint(v)
	return nil
}

func (r *FakeRecord) AppendJSON(dst []byte, field string) ([]byte, error) {
	if field == "" {
		m := map[string]json.RawMessage{}
		for k, v := range r.Fields {
			m[k] = json.RawMessage(v)
		}
		b, err := json.Marshal(m)
		return append(dst, b...), err
	}
	v, ok := r.Fields[field]
	if !ok {
		return dst, errNoField
	}
	return append(dst, v...), nil
}

func (r *FakeRecord) SetJSON(key string, raw []byte) error {
	r.Fields[key] = string(raw)
	return nil
}

func (r *FakeRecord) Original() (Record, error) {
	if r.original == nil {
		return nil, &Error{Errno: NotFound, Message: "a new record"}
	}
	return r.original, nil
}

func (r *FakeRecord) Hide(field string) error { r.hidden[field] = true; return nil }
func (r *FakeRecord) Show(field string) error { delete(r.hidden, field); return nil }

// FakeRequest is what its fields say.
type FakeRequest struct {
	Params, query, header map[string]string
	body                  []byte
}

func (r *FakeRequest) Method() string    { return "POST" }
func (r *FakeRequest) Path() string      { return "/puppet" }
func (r *FakeRequest) URI() string       { return "/puppet?a=1" }
func (r *FakeRequest) RealIP() string    { return "10.0.0.1" }
func (r *FakeRequest) Situation() string { return "default" }
func (r *FakeRequest) Body() ([]byte, error) {
	return r.body, nil
}
func (r *FakeRequest) Param(name string) (string, bool)       { v, ok := r.Params[name]; return v, ok }
func (r *FakeRequest) QueryLookup(name string) (string, bool) { v, ok := r.query[name]; return v, ok }
func (r *FakeRequest) HeaderLookup(name string) (string, bool) {
	v, ok := r.header[name]
	return v, ok
}

// FakeHost keeps what it was asked. Its functions can be replaced one by one.
type FakeHost struct {
	mu       sync.Mutex
	asked    []string
	OnCreate func(ctx context.Context, body []byte) (Record, error)
	OnFind   func(ctx context.Context, id string) (Record, error)
	sql      func(statement string, p Params) (*Rows, error)
	OnBegin  func(ctx context.Context) (Transaction, error)
	OnCommit func() error
	// committed tells of chains that something of them counts.
	committed func(ctx context.Context) bool
}

// fakeTransaction tells its host what becomes of it.
type fakeTransaction struct {
	host *FakeHost
	ctx  context.Context
}

type transactionKey struct{}

func (t *fakeTransaction) Context() context.Context { return t.ctx }

func (t *fakeTransaction) Commit() error {
	t.host.ask("commit")
	if t.host.OnCommit != nil {
		return t.host.OnCommit()
	}
	return nil
}

func (t *fakeTransaction) Rollback() error {
	t.host.ask("rollback")
	return nil
}

func (h *FakeHost) Begin(ctx context.Context) (Transaction, error) {
	h.ask("begin")
	if h.OnBegin != nil {
		return h.OnBegin(ctx)
	}
	depth, _ := ctx.Value(transactionKey{}).(int)
	return &fakeTransaction{h, context.WithValue(ctx, transactionKey{}, depth+1)}, nil
}

func (h *FakeHost) isCommitted(ctx context.Context) bool {
	return h.committed != nil && h.committed(ctx)
}

func (h *FakeHost) ask(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = append(h.asked, fmt.Sprintf(format, args...))
}

func (h *FakeHost) Collection(_ context.Context, nameOrID string) (string, error) {
	switch nameOrID {
	case "posts", "posts_id":
		return "posts", nil
	case "users", "_secret", "_named":
		return nameOrID, nil
	case "secret_id":
		return "_secret", nil
	}
	return "", &Error{Errno: NotFound, Message: "no such collection"}
}

func (h *FakeHost) Find(ctx context.Context, as Authority, collection, id string) (Record, error) {
	if h.OnFind != nil {
		return h.OnFind(ctx, id)
	}
	if id == "refused" {
		return nil, &Rejection{Status: 409, Message: "refused"}
	}
	h.ask("find %v %s %s", as, collection, id)
	return NewFakeRecord(collection, "id", `"`+id+`"`), nil
}

func (h *FakeHost) List(_ context.Context, as Authority, collection string, q Query) ([]Record, error) {
	h.ask("list %v %s %q %d %d", as, collection, q.Filter, q.Limit, q.Offset)
	return []Record{NewFakeRecord(collection, "id", `"a"`), NewFakeRecord(collection, "id", `"b"`)}, nil
}

func (h *FakeHost) Create(ctx context.Context, as Authority, collection string, body []byte) (Record, error) {
	if h.OnCreate != nil {
		return h.OnCreate(ctx, body)
	}
	h.ask("create %v %s %s", as, collection, body)
	return NewFakeRecord(collection, "id", `"new"`), nil
}

func (h *FakeHost) Update(_ context.Context, as Authority, collection, id string, body []byte) (Record, error) {
	h.ask("update %v %s %s %s", as, collection, id, body)
	return NewFakeRecord(collection, "id", `"`+id+`"`), nil
}

func (h *FakeHost) Delete(_ context.Context, as Authority, collection, id string) error {
	h.ask("delete %v %s %s", as, collection, id)
	return nil
}

func (h *FakeHost) SQL(_ context.Context, statement string, p Params) (*Rows, error) {
	if h.sql != nil {
		return h.sql(statement, p)
	}
	h.ask("sql %s %d %d", statement, len(p.Positional), len(p.Named))
	return &Rows{Rows: [][]byte{[]byte(`[1]`), []byte(`[2]`)}, Affected: 3}, nil
}
