package filter

import "strings"

// WithoutBody returns what of e can be judged before the body of a request was read: the terms, joined by && and outside of
// any ||, that read nothing of it. Where the result is not met, e is not met either, whatever the body says. It is nil when no
// term is left. own tells that the fields of the record itself do not come from the body: it is stored already.
func (e *Expr) WithoutBody(own bool) *Expr {
	kept := early(e.items, own, nil)
	if len(kept) == 0 {
		return nil
	}
	mark := "(created) "
	if own {
		mark = "(stored) "
	}
	// No expression that somebody wrote has such a text, so that what is remembered of this one is remembered apart.
	return &Expr{text: "(before the body) " + mark + e.text, items: kept, requests: e.requests, usesNow: e.usesNow, named: e.named}
}

// early appends the terms of a conjunction that do not depend on the body.
func early(items []item, own bool, kept []item) []item {
	for _, i := range items[min(1, len(items)):] {
		if i.or {
			if !bodiless(items, own) {
				return kept
			}
			return append(kept, item{group: items})
		}
	}
	for _, i := range items {
		switch {
		case i.group != nil:
			kept = early(i.group, own, kept)
		case bodiless([]item{i}, own):
			kept = append(kept, item{comparison: i.comparison})
		}
	}
	return kept
}

// bodiless tells whether items read nothing of the body.
func bodiless(items []item, own bool) bool {
	for _, i := range items {
		if i.group != nil {
			if !bodiless(i.group, own) {
				return false
			}
			continue
		}
		if i.comparison.left.fromBody(own) || i.comparison.right.fromBody(own) {
			return false
		}
	}
	return true
}

// fromBody tells whether an operand may depend on the body.
func (o *operand) fromBody(own bool) bool {
	for i := range o.args {
		if o.args[i].fromBody(own) {
			return true
		}
	}
	if o.kind != operandIdentifier {
		return false
	}
	if p, ok := parseRequestPath(o.text); ok {
		return p.source == "body"
	}
	if strings.HasPrefix(o.text, "@request.") {
		return true // of no known shape
	}
	return !own && !strings.HasPrefix(o.text, "@")
}
