package filter

import (
	"regexp"
	"strings"
)

// resolver turns the operands of one expression into SQL.
type resolver struct {
	b     *Builder
	scope scope
	trust Trust
}

// class is how an operand behaves in "=" and "!=" (filters.md 5.1).
type class int

const (
	known  class = iota // a literal, macro or request value that is not empty
	empty               // null, '' or a missing request value
	stored              // a stored column
	rawSQL              // a json value, geoDistance or :changed, compared with IS
)

// affinity is what SQLite does to the other side of a comparison with a column.
type affinity int

const (
	noAffinity affinity = iota
	textAffinity
	numericAffinity
)

// resolved is an operand as SQL.
type resolved struct {
	class    class
	sql      frag
	like     frag // as the right side of LIKE
	nullable bool
	affinity affinity
	// guard must hold as well wherever the operand is compared; empty when nothing is demanded.
	guard frag
	// many tells that the operand has many values: those at the end of the chain, again writes it for another alias.
	many  bool
	from  scope
	chain chain
	again func(alias string) frag
	// isset is the value of an ":isset", "" for every other operand.
	isset isset
	// sent is the operand as the client sent it, where a column would make something else of it. Then a comparison must
	// hold for both: which of the two a rule means must not be for the client to choose.
	sent *resolved
}

// isset is what ":isset" gives: "TRUE" or "FALSE".
type isset string

// form is the operand in the form that [compare] takes in its second look.
func (o resolved) form() resolved {
	if o.sent != nil {
		return *o.sent
	}
	return o
}

// element tells whether the operand is an item of a submitted list. One that was not sent is NULL, which equals nothing.
func (o resolved) element() bool { return o.class == known && o.nullable }

func fixed(p param) resolved {
	like := p
	like.like = true
	return resolved{class: known, sql: placeholder(p), like: pattern(like)}
}

// pattern is the right side of LIKE. A bare parameter there makes SQLite prepare the statement again whenever it is
// bound, because an index might serve the pattern; that costs five times a point read. The plus prevents it where the
// pattern cannot be one for an index.
func pattern(p param) frag {
	f := placeholder(p)
	if p.kind == paramLiteral {
		if s, ok := p.shape(p.literal).(string); ok && s != "" && s[0] != '%' && s[0] != '_' {
			return f
		}
	}
	f.sql = "+?"
	return f
}

func fixedValue(v value) resolved {
	r := fixed(param{literal: v})
	if isEmpty(v) {
		r.class = empty
	}
	return r
}

var identifierShape = regexp.MustCompile(`^\w+[\w.:]*$`)
var collectionShape = regexp.MustCompile(`^@collection\.(\w+)(:\w+)?\.([\w.:]*\w)$`)

func (r *resolver) operand(o operand, side string) (resolved, error) {
	out, err := r.anyOperand(o)
	if err != nil {
		return out, errorf("invalid %s operand %q - %v", side, o.text, err)
	}
	return out, nil
}

func (r *resolver) anyOperand(o operand) (resolved, error) {
	switch o.kind {
	case operandText:
		return fixedValue(o.text), nil
	case operandNumber:
		return fixedValue(o.number), nil
	case operandFunction:
		return r.call(o)
	case operandNamed:
		return r.named(o.text)
	}
	return r.identifier(o.text)
}

func (r *resolver) identifier(name string) (resolved, error) {
	if m, ok := macros[name]; ok {
		r.b.now = true
		return fixed(param{kind: paramMacro, macro: m}), nil
	}
	out, err := r.path(name)
	if err == nil {
		return out, nil
	}
	switch strings.ToLower(name) {
	case "null":
		return fixedValue(nil), nil
	case "true":
		return fixedValue(int64(1)), nil
	case "false":
		return fixedValue(int64(0)), nil
	}
	return out, err
}

// path resolves a field path, an @collection path or an @request value.
func (r *resolver) path(name string) (resolved, error) {
	switch {
	case strings.HasPrefix(name, "@request.") && !r.b.plain && r.trust != Extension:
		p, ok := parseRequestPath(name)
		if !ok {
			return resolved{}, errorf("failed to resolve field %q", name)
		}
		return r.request(p, name)
	case strings.HasPrefix(name, "@collection.") && !r.b.plain:
		return r.collection(name)
	case !identifierShape.MatchString(name):
		return resolved{}, errorf("failed to resolve field %q", name)
	}
	w := &walk{r: r, from: r.scope, at: r.scope, name: name, parts: strings.Split(name, ".")}
	return w.run()
}

func (r *resolver) collection(name string) (resolved, error) {
	m := collectionShape.FindStringSubmatch(name)
	if m == nil {
		return resolved{}, errorf("failed to resolve field %q", name)
	}
	target := r.b.cat.Find(m[1])
	if target == nil {
		return resolved{}, errorf("failed to load collection %q from field path %q", m[1], name)
	}
	first := every(target.ID+m[2], target)
	w := &walk{r: r, from: r.scope, name: name, parts: strings.Split(m[3], ".")}
	w.enter(first)
	return w.run()
}
