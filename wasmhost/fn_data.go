package wasmhost

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// access is a call of the host about a collection.
type access struct {
	ctx        context.Context
	as         Authority
	collection string
}

// reach is what every access to data begins with: the call may have it, the authority is one, and the collection is allowed.
func (i *instance) reach(as, ptr, n uint64) (a access, known *Error) {
	if i.call.about == nil {
		return a, errNotLoading
	}
	collection, known := i.name(ptr, n)
	if known != nil {
		return a, known
	}
	a.as = Authority(int32(uint32(as)))
	if a.as != Caller && a.as != AsExtension {
		return a, errAuthority
	}
	if a.ctx, known = i.hostContext(); known != nil {
		return a, known
	}
	x := i.extension
	var failure error
	if a.collection, failure = x.manager.host.Collection(a.ctx, collection); failure != nil {
		return a, i.explain("collection", failure)
	}
	if i.unruled(a.as, a.collection) && !x.Permits(a.collection) {
		return a, &Error{Errno: Forbidden, Message: "the extension has no permission for the collection " + cut(a.collection, maxName)}
	}
	return a, nil
}

// unruled tells whether no rule that was made for users stands between the guest and a collection, so that its own permissions
// have to: in its own name, in that of a superuser, and where the system keeps sessions and superusers.
func (i *instance) unruled(as Authority, collection string) bool {
	return as == AsExtension || i.call.about.Superuser || strings.HasPrefix(collection, "_")
}

// id is a record's id; there are too many to remember them.
func (i *instance) id(ptr, n uint64) (string, *Error) {
	if uint32(n) > maxName {
		return "", errName
	}
	return i.text(ptr, n, maxName)
}

func find(i *instance, p []uint64) (int32, *Error) {
	a, err := i.reach(p[0], p[1], p[2])
	if err != nil {
		return 0, err
	}
	id, err := i.id(p[3], p[4])
	if err != nil {
		return 0, err
	}
	r, failure := i.extension.manager.host.Find(a.ctx, a.as, a.collection, id)
	if failure != nil {
		return 0, i.explain("find", failure)
	}
	return i.give(r)
}

func list(i *instance, p []uint64) (int32, *Error) {
	a, err := i.reach(p[0], p[1], p[2])
	if err != nil {
		return 0, err
	}
	raw, err := i.payload(p[3], p[4], i.extension.manager.limits.Payload)
	if err != nil {
		return 0, err
	}
	q, err := parseQuery(raw)
	if err != nil {
		return 0, err
	}
	records, failure := i.extension.manager.host.List(a.ctx, a.as, a.collection, q)
	if failure != nil {
		return 0, i.explain("list", failure)
	}
	return i.call.handles.open(handle{rows: &rows{records: records}}, i.extension.manager.limits.Handles)
}

// parseQuery reads the query of a list; nothing at all is one, too. A key that is none is refused: a filter with its key misspelt would be none.
func parseQuery(raw []byte) (Query, *Error) {
	q := Query{Limit: DefaultListRows}
	if len(raw) == 0 {
		return q, nil
	}
	if err := checkJSON(raw); err != nil {
		return q, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, invalid("query: %v", err)
	}
	switch {
	case q.Limit < 1 || q.Offset < 0:
		return q, invalid("query: a limit below 1 or an offset below 0")
	case len(q.Filter) > maxFilter || len(q.Sort) > maxFilter:
		return q, &Error{Errno: Limit, Message: "query: the filter or sort is too long; values belong into params"}
	case q.Limit > MaxListRows:
		return q, &Error{Errno: Limit, Message: "query: at most 500 records at once"}
	}
	return q, nil
}

// body returns a copy of a JSON object that a guest hands over.
func (i *instance) body(ptr, n uint64) ([]byte, *Error) {
	raw, err := i.payload(ptr, n, i.extension.manager.limits.Payload)
	if err != nil {
		return nil, err
	}
	if err := checkJSON(raw); err != nil {
		return nil, err
	}
	if trimmed := bytes.TrimLeft(raw, " \t\r\n"); trimmed[0] != '{' {
		return nil, invalid("the body is not an object")
	}
	return bytes.Clone(raw), nil
}

func create(i *instance, p []uint64) (int32, *Error) {
	a, err := i.reach(p[0], p[1], p[2])
	if err != nil {
		return 0, err
	}
	body, err := i.body(p[3], p[4])
	if err != nil {
		return 0, err
	}
	r, failure := i.extension.manager.host.Create(a.ctx, a.as, a.collection, body)
	i.wrote()
	if failure != nil {
		return 0, i.explain("create", failure)
	}
	return i.give(r)
}

func update(i *instance, p []uint64) (int32, *Error) {
	a, err := i.reach(p[0], p[1], p[2])
	if err != nil {
		return 0, err
	}
	id, err := i.id(p[3], p[4])
	if err != nil {
		return 0, err
	}
	body, err := i.body(p[5], p[6])
	if err != nil {
		return 0, err
	}
	r, failure := i.extension.manager.host.Update(a.ctx, a.as, a.collection, id, body)
	i.wrote()
	if failure != nil {
		return 0, i.explain("update", failure)
	}
	return i.give(r)
}

func remove(i *instance, p []uint64) (int32, *Error) {
	a, err := i.reach(p[0], p[1], p[2])
	if err != nil {
		return 0, err
	}
	id, err := i.id(p[3], p[4])
	if err != nil {
		return 0, err
	}
	failure := i.extension.manager.host.Delete(a.ctx, a.as, a.collection, id)
	i.wrote()
	if failure != nil {
		return 0, i.explain("delete", failure)
	}
	return 0, nil
}

func runSQL(i *instance, p []uint64) (int32, *Error) {
	if i.call.about == nil {
		return 0, errNotLoading
	}
	most := i.extension.manager.limits.Payload
	statement, err := i.text(p[0], p[1], most)
	if err != nil {
		return 0, err
	}
	raw, err := i.payload(p[2], p[3], most)
	if err != nil {
		return 0, err
	}
	if !i.extension.permissions.SQL {
		return 0, errNoSQL
	}
	params, err := parseParams(raw)
	if err != nil {
		return 0, err
	}
	ctx, err := i.hostContext()
	if err != nil {
		return 0, err
	}
	out, failure := i.extension.manager.host.SQL(ctx, statement, params)
	i.wrote()
	if failure != nil {
		return 0, i.explain("sql", failure)
	}
	if out == nil {
		out = &Rows{}
	}
	if len(out.Rows) > MaxSQLRows {
		return 0, &Error{Errno: Limit, Message: "more than 1000 rows"}
	}
	return i.call.handles.open(handle{rows: &rows{sql: out}}, i.extension.manager.limits.Handles)
}

// parseParams reads the parameters of a statement: an array, an object, or nothing.
func parseParams(raw []byte) (Params, *Error) {
	var p Params
	if len(raw) == 0 {
		return p, nil
	}
	if !utf8.Valid(raw) {
		return p, errText
	}
	var err error
	switch trimmed := bytes.TrimLeft(raw, " \t\r\n"); {
	case bytes.HasPrefix(trimmed, []byte("[")):
		err = json.Unmarshal(raw, &p.Positional)
	case bytes.HasPrefix(trimmed, []byte("{")):
		err = json.Unmarshal(raw, &p.Named)
	default:
		err = errors.New("neither an array nor an object")
	}
	if err != nil {
		return Params{}, invalid("params: %v", err)
	}
	return p, nil
}

func rowsNext(i *instance, p []uint64) (int32, *Error) {
	r, err := i.call.handles.rows(p[0])
	if err != nil {
		return 0, err
	}
	return i.call.handles.advance(r, i.extension.manager.limits.Handles)
}

func rowsJSON(i *instance, p []uint64) (int32, *Error) {
	r, err := i.call.handles.rows(p[0])
	if err != nil {
		return 0, err
	}
	if r.sql == nil || r.next < 1 || r.next > len(r.sql.Rows) {
		return 0, &Error{Errno: NotFound, Message: "there is no current row"}
	}
	return i.fill(r.sql.Rows[r.next-1], p[1], p[2])
}

func rowsAffected(i *instance, p []uint64) (int32, *Error) {
	r, err := i.call.handles.rows(p[0])
	if err != nil {
		return 0, err
	}
	if r.sql == nil {
		return 0, nil
	}
	return int32(max(0, min(r.sql.Affected, maxValue))), nil
}

func closeHandle(i *instance, p []uint64) (int32, *Error) { return 0, i.call.handles.close(p[0]) }
