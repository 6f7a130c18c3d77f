package guests

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

// host is what WebAssembly extensions reach of the server. It implements wasmhost.Host.
type host struct{ access *Access }

// scope is in whose name the call reaches data that ctx came with.
func scope(ctx context.Context, as wasmhost.Authority) Scope {
	x := wasmhost.Of(ctx)
	return Scope{Name: x.Name(), AsCaller: as == wasmhost.Caller, Permits: x.Permits, Credentials: x.Granted(wasmhost.Credentials)}
}

// found is a record that an extension asked for, or why it is not there.
func (h host) found(r *records.Record, err error) (wasmhost.Record, error) {
	if err != nil {
		return nil, known(err)
	}
	return found(h.access.store, r), nil
}

// Collection implements wasmhost.Host.
func (h host) Collection(_ context.Context, nameOrID string) (string, error) {
	c, err := h.access.Collection(nameOrID)
	if err != nil {
		return "", known(err)
	}
	return c.Name, nil
}

// Find implements wasmhost.Host.
func (h host) Find(ctx context.Context, as wasmhost.Authority, collection, id string) (wasmhost.Record, error) {
	return h.found(h.access.Find(ctx, scope(ctx, as), collection, id))
}

// List implements wasmhost.Host.
func (h host) List(ctx context.Context, as wasmhost.Authority, collection string, q wasmhost.Query) ([]wasmhost.Record, error) {
	params := make(map[string]any, len(q.Params))
	for name, raw := range q.Params {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, errBadJSON
		}
		params[name] = v
	}
	list, err := h.access.List(ctx, scope(ctx, as), collection, Query{Filter: q.Filter, Params: params, Sort: q.Sort, Limit: q.Limit, Offset: q.Offset})
	if err != nil {
		return nil, known(err)
	}
	out := make([]wasmhost.Record, len(list))
	for i, r := range list {
		out[i] = found(h.access.store, r)
	}
	return out, nil
}

// Create implements wasmhost.Host.
func (h host) Create(ctx context.Context, as wasmhost.Authority, collection string, raw []byte) (wasmhost.Record, error) {
	body, err := h.body(collection, raw)
	if err != nil {
		return nil, err
	}
	return h.found(h.access.Create(ctx, scope(ctx, as), collection, body))
}

// Update implements wasmhost.Host.
func (h host) Update(ctx context.Context, as wasmhost.Authority, collection, id string, raw []byte) (wasmhost.Record, error) {
	body, err := h.body(collection, raw)
	if err != nil {
		return nil, err
	}
	return h.found(h.access.Update(ctx, scope(ctx, as), collection, id, body))
}

// Delete implements wasmhost.Host.
func (h host) Delete(ctx context.Context, as wasmhost.Authority, collection, id string) error {
	return known(h.access.Delete(ctx, scope(ctx, as), collection, id))
}

// body reads the body of a write. That there is no such collection is told first.
func (h host) body(collection string, raw []byte) (map[string]any, error) {
	if _, err := h.access.Collection(collection); err != nil {
		return nil, known(err)
	}
	body := make(map[string]any)
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, &wasmhost.Error{Errno: wasmhost.Invalid, Message: "not a JSON object"}
	}
	return body, nil
}

// SQL implements wasmhost.Host.
func (h host) SQL(ctx context.Context, statement string, params wasmhost.Params) (*wasmhost.Rows, error) {
	q := &sqlite.Query{SQL: statement, MaxRows: wasmhost.MaxSQLRows}
	if err := bind(q, params); err != nil {
		return nil, err
	}
	out, err := h.access.SQL(ctx, scope(ctx, wasmhost.AsExtension), q)
	if err != nil {
		return nil, knownSQL(err)
	}
	if out.More {
		return nil, &wasmhost.Error{Errno: wasmhost.Limit, Message: fmt.Sprintf("more than %d rows", wasmhost.MaxSQLRows)}
	}
	rows := &wasmhost.Rows{Affected: int64(out.Affected), Rows: make([][]byte, len(out.Rows))}
	for i, row := range out.Rows {
		rows.Rows[i] = row
	}
	return rows, nil
}

// bind decodes the parameters of a statement.
func bind(q *sqlite.Query, params wasmhost.Params) error {
	for _, raw := range params.Positional {
		v, err := sqlValue(raw)
		if err != nil {
			return err
		}
		q.Args = append(q.Args, v)
	}
	for name, raw := range params.Named {
		v, err := sqlValue(raw)
		if err != nil {
			return err
		}
		if q.Named == nil {
			q.Named = make(map[string]any, len(params.Named))
		}
		q.Named[name] = v
	}
	return nil
}

// sqlValue is a JSON value as it is bound: lists and objects as their text.
func sqlValue(raw json.RawMessage) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errBadJSON
	}
	switch v.(type) {
	case nil, bool, string, json.Number:
		return v, nil
	}
	return string(raw), nil
}
