package filter

import (
	"strconv"

	"github.com/troupebase/troupe/storage/schema"
)

// request resolves an @request value. What is missing is null; only the shape of a path can be wrong.
func (r *resolver) request(p requestPath, name string) (resolved, error) {
	switch p.modifier {
	case "", "lower", "isset":
	case "changed", "length", "each":
		if p.source == "auth" && p.modifier != "changed" {
			break
		}
		if p.source != "body" || len(p.parts) > 1 {
			return resolved{}, errorf("unknown modifier in %q", name)
		}
	default:
		return resolved{}, errorf("unknown modifier in %q", name)
	}
	switch p.source {
	case "auth":
		return r.auth(p, name)
	case "body":
		return r.body(p, name)
	}
	return r.requestValue(p), nil
}

// requestValue is a value that is looked up when the query is bound. Whether it is empty is part of the query's shape.
func (r *resolver) requestValue(p requestPath) resolved {
	if p.isset() {
		_, exists := r.b.req.lookup(p)
		return issetValue(exists)
	}
	b := requestParam(p, r.b.base.collection)
	out := fixed(b)
	if isEmpty(b.value(r.b.req)) {
		out.class = empty
	}
	if sent, ok := sentParam(p, r.b.base.collection, r.b.req); ok {
		second := fixed(sent)
		if !sent.json {
			second.class = out.class
		}
		out.sent = &second
	}
	return out
}

func issetValue(exists bool) resolved {
	if exists {
		return resolved{class: known, sql: raw("1"), like: raw("'%1%'"), isset: "TRUE"}
	}
	return resolved{class: known, sql: raw("0"), like: raw("'%0%'"), isset: "FALSE"}
}

// sentParam is the parameter for the second form of a request value, if it has one: a submitted json value is its JSON text,
// so that a null or "" that was sent is not nothing, and a bool as a pattern is a word.
func sentParam(p requestPath, base *schema.Collection, req *Request) (param, bool) {
	switch {
	case p.modifier != "":
	case p.source == "body":
		out := requestParam(p, base)
		out.words = true
		if f := base.Field(p.parts[0]); f != nil && f.Kind() == schema.KindJSON && len(p.parts) == 1 {
			_, exists := req.lookup(p)
			out.json = true
			return out, exists
		}
		return out, true
	case p.source == "auth" && (p.parts[0] == "verified" || p.parts[0] == "emailVisibility"):
		out := requestParam(p, base)
		out.words = true
		return out, true
	}
	return param{}, false
}

// requestParam is the parameter that reads a request value. The fields of the base collection decide whether numeric
// text is a number.
func requestParam(p requestPath, base *schema.Collection) param {
	out := param{kind: paramRequest, path: p, lower: p.modifier == "lower"}
	if len(p.parts) > 0 {
		last := p.parts[len(p.parts)-1]
		if f := base.Field(last); f != nil && f.Kind() == schema.KindNumber {
			out.asNumber = true
		}
		if out.lower && p.source == "body" && len(p.parts) == 1 && base.Field(last) != nil {
			out.asText = true
		}
	}
	return out
}

func (r *resolver) body(p requestPath, name string) (resolved, error) {
	field := r.b.base.collection.Field(p.parts[0])
	if rel, ok := field.(*schema.RelationField); ok && len(p.parts) > 1 {
		target := r.b.cat.ByID(rel.CollectionID)
		if target == nil {
			return resolved{}, errorf("failed to load collection %q from field path %q", rel.CollectionID, name)
		}
		w := &walk{r: r, from: r.scope, name: name, parts: p.parts[1:]}
		if p.modifier != "" {
			w.parts = append([]string(nil), w.parts...)
			w.parts[len(w.parts)-1] += ":" + p.modifier
		}
		for _, s := range submitted(p, target, rel.Multiple()) {
			w.enter(s)
		}
		return w.run()
	}
	switch p.modifier {
	case "changed":
		return r.changed(p, field, name)
	case "length", "each":
		if field == nil || !field.CanBeMultiple() {
			return resolved{}, errorf("unknown modifier in %q", name)
		}
		if p.modifier == "length" {
			return fixed(param{kind: paramLength, path: p}), nil
		}
		w := &walk{r: r, from: r.scope, name: name}
		list := submitted(p, nil, field.Multiple())[0]
		w.enter(list)
		return w.made(resolved{class: known, nullable: true}, func(alias string) string { return alias + ".value" }, "")
	}
	return r.requestValue(p), nil
}

// changed is whether a key was submitted with a value other than the stored one.
func (r *resolver) changed(p requestPath, field schema.Field, name string) (resolved, error) {
	if field == nil {
		return resolved{}, errorf("unknown field %q", name)
	}
	out := resolved{class: rawSQL}
	if _, exists := r.b.req.lookup(p); !exists {
		out.sql = raw("0")
	} else {
		before := &walk{r: &resolver{b: r.b, scope: r.b.base, trust: Rule}, from: r.b.base, at: r.b.base, name: p.parts[0], parts: p.parts}
		was, err := before.run()
		if err != nil {
			return resolved{}, err
		}
		plain := p
		plain.modifier = ""
		out.sql = join("IFNULL(%s, 0)", compareForm("!=", r.requestValue(plain), was))
	}
	out.like = join("('%%' || %s || '%%')", out.sql)
	return out, nil
}

// auth resolves a value of the signed-in record: what the identity knows is a request value, the rest is read from the
// record's row. What does not exist is null.
func (r *resolver) auth(p requestPath, name string) (resolved, error) {
	if r.b.req.Auth == nil {
		return fixedValue(nil), nil
	}
	plain := p.modifier != "each" && p.modifier != "length"
	if _, exists := r.b.req.lookup(p); exists && plain {
		field := r.b.req.Auth.Collection.Field(p.parts[0])
		if isTokenValue(p.parts[0]) || field == nil {
			return r.requestValue(p), nil
		}
		if out, ok := atHand(p, field); ok {
			return out, nil
		}
	}
	w := &walk{r: &resolver{b: r.b, scope: r.scope, trust: Rule}, from: r.scope, name: name, parts: append([]string(nil), p.parts...)}
	if p.modifier != "" {
		w.parts[len(w.parts)-1] += ":" + p.modifier
	}
	w.enter(identity(r.b.req.Auth.Collection))
	out, err := w.run()
	if err != nil {
		return fixedValue(nil), nil
	}
	return out, nil
}

// isTokenValue tells whether a value of the signed-in record counts as a value of the request, not as a column.
func isTokenValue(name string) bool {
	switch name {
	case "id", "collectionId", "collectionName", "email", "emailVisibility", "verified":
		return true
	}
	return false
}

// atHand is a value of the signed-in record that need not be read: it compares as the column would. A cast gives it
// the column's affinity, and an index can still serve the other side. ok is false where only the row will do.
func atHand(p requestPath, field schema.Field) (out resolved, ok bool) {
	value := placeholder(param{kind: paramRequest, path: p, stored: true, lower: p.modifier == "lower"})
	out = resolved{class: stored, sql: value}
	switch affinity := affinityOf(field); {
	case p.modifier == "lower":
		if affinity != textAffinity {
			return resolved{}, false
		}
	case field.Kind() == schema.KindJSON:
		out.class, out.nullable = rawSQL, true
	case affinity == textAffinity:
		out.sql, out.affinity = join("CAST(%s AS TEXT)", value), affinity
	case isScalar(field):
		out.sql, out.affinity = join("CAST(%s AS NUMERIC)", value), affinity
	}
	out.like = join("('%%' || %s || '%%')", out.sql)
	return out, true
}

// lengthOfSubmitted is how many items a body holds under a key: none when missing or null, one for a single value.
func lengthOfSubmitted(v any) int64 {
	switch v := v.(type) {
	case nil:
		return 0
	case []string:
		return int64(len(v))
	case []any:
		return int64(len(v))
	case []Upload:
		return int64(len(v))
	}
	return 1
}

// numeric reads a text that is a number as a whole.
func numeric(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil
}
