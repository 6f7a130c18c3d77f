package filter

import "github.com/troupebase/troupe/storage/schema"

// request is the value of an "@request.…" identifier: what [resolver.request] makes of it.
func (e *evaluation) request(p *requestPath, pattern bool) (side, bool) {
	switch p.modifier {
	case "", "lower", "isset":
	case "changed", "length", "each":
		if p.source == "auth" && p.modifier != "changed" {
			break
		}
		if p.source != "body" || len(p.parts) > 1 {
			return side{}, false
		}
	default:
		return side{}, false
	}
	switch p.source {
	case "auth":
		return e.auth(p, pattern)
	case "body":
		return e.body(p, pattern)
	}
	return e.requestValue(p, pattern), true
}

// requestValue is a value of the request that is no column of a record.
func (e *evaluation) requestValue(p *requestPath, pattern bool) side {
	if p.isset() {
		_, exists := e.req.lookup(*p)
		return issetSide(exists)
	}
	if s, ok := e.knownText(p); ok && !pattern {
		out := side{class: known, cell: textOfCell(s)}
		if s == "" {
			out.class = empty
		}
		return out
	}
	out := e.fixed(requestParam(*p, e.collection), pattern)
	if out.cell.kind == nullCell || out.cell.kind == textCell && out.cell.s == "" {
		out.class = empty
	}
	if sent, ok := sentParam(*p, e.collection, e.req); ok && (sent.json || pattern) {
		second := e.fixed(sent, pattern)
		if !sent.json {
			second.class = out.class
		}
		out.sent = &second
	}
	return out
}

func issetSide(exists bool) side {
	s := side{class: known, cell: boolCell(exists), isset: "FALSE"}
	if exists {
		s.isset = "TRUE"
	}
	return s
}

// knownText is the short way to the values that most rules look at; it does not allocate.
func (e *evaluation) knownText(p *requestPath) (string, bool) {
	switch p.source {
	case "context":
		return e.req.Context, true
	case "method":
		return e.req.Method, true
	case "auth":
	default:
		return "", false
	}
	if e.req.Auth == nil || len(p.parts) != 1 || p.modifier != "" {
		return "", false
	}
	if f := e.collection.Field(p.parts[0]); f != nil && f.Kind() == schema.KindNumber {
		return "", false
	}
	switch p.parts[0] {
	case "id":
		return e.req.Auth.ID, true
	case "collectionId":
		return e.req.Auth.Collection.ID, true
	case "collectionName":
		return e.req.Auth.Collection.Name, true
	case "email":
		return e.req.Auth.Email, true
	}
	return "", false
}

func (e *evaluation) body(p *requestPath, pattern bool) (side, bool) {
	field := e.collection.Field(p.parts[0])
	if field != nil && field.Role() == schema.RoleRelation && len(p.parts) > 1 {
		return side{}, false
	}
	switch p.modifier {
	case "changed":
		return e.changed(p)
	case "length":
		if field == nil || !field.CanBeMultiple() {
			return side{}, false
		}
		return e.fixed(param{kind: paramLength, path: *p}, pattern), true
	case "each":
		if field == nil || !field.CanBeMultiple() {
			return side{}, false
		}
		return e.submittedItems(p, field)
	}
	return e.requestValue(p, pattern), true
}

// submittedItems goes over the texts that the body holds under a list field.
func (e *evaluation) submittedItems(p *requestPath, field schema.Field) (side, bool) {
	l, ok := e.use("@request.body."+p.parts[0], func() ([]cell, bool) {
		v, _ := e.req.lookup(*p)
		if s, ok := v.(string); ok && s != "" {
			v = []string{s}
		} else if ok || v == nil {
			v = []string(nil)
		}
		return textCells(v)
	})
	if !ok {
		return side{}, false
	}
	return side{class: known, nullable: true, many: field.Multiple(), list: l, cell: l.cells[l.at]}, true
}

// changed is whether a key was submitted with a value other than the stored one.
func (e *evaluation) changed(p *requestPath) (side, bool) {
	at := e.collection.FieldIndex(p.parts[0])
	if at < 0 {
		return side{}, false
	}
	differs := no
	if _, exists := e.req.lookup(*p); exists {
		was, ok := e.column(e.collection.Fields[at], e.values[at], &reference{})
		if !ok {
			return side{}, false
		}
		is := e.requestValue(&requestPath{source: p.source, parts: p.parts}, false)
		if differs = verdictOf("!=", &is, &was); differs == undecided {
			return side{}, false
		}
	}
	return side{class: rawSQL, cell: boolCell(differs == yes)}, true
}

// auth is a value of the signed-in record, if it is at hand.
func (e *evaluation) auth(p *requestPath, pattern bool) (side, bool) {
	if e.req.Auth == nil {
		return side{class: empty}, true
	}
	if len(p.parts) != 1 {
		return side{}, false
	}
	if p.modifier == "" && e.tokenText(p.parts[0]) {
		return e.requestValue(p, pattern), true
	}
	field := e.req.Auth.Collection.Field(p.parts[0])
	v, exists := e.req.lookup(*p)
	if !exists || p.modifier == "each" || p.modifier == "length" {
		// What is no field of the record is null.
		return side{class: empty}, field == nil
	}
	if isTokenValue(p.parts[0]) || field == nil {
		return e.requestValue(p, pattern), true
	}
	return e.atHand(p, field, v)
}

// tokenText tells whether the identity has a text of that name.
func (e *evaluation) tokenText(name string) bool {
	switch name {
	case "id", "collectionId", "collectionName", "email":
		return true
	}
	return false
}

// atHand is [atHand] for values.
func (e *evaluation) atHand(p *requestPath, field schema.Field, v any) (side, bool) {
	b := param{kind: paramRequest, path: *p, stored: true, lower: p.modifier == "lower"}
	s := side{class: stored, cell: cellOf(b.value(e.req))}
	switch affinity := affinityOf(field); {
	case p.modifier == "lower":
		if affinity != textAffinity {
			return side{}, false
		}
	case field.Kind() == schema.KindJSON:
		s.class, s.nullable = rawSQL, true
	case affinity == textAffinity:
		s.affinity = affinity
		if s.cell.kind != textCell {
			return side{}, false
		}
	case isScalar(field):
		s.affinity = affinity
		if s.cell.kind == textCell || s.cell.kind == nullCell {
			return side{}, false
		}
	}
	return s, s.cell.kind != unknownCell
}
