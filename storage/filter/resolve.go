package filter

import (
	"regexp"
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
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
}

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
	case strings.HasPrefix(name, "@request.") && !r.b.plain:
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

// walk follows a path from row to row until its last part.
type walk struct {
	r     *resolver
	from  scope // where the chain begins
	at    scope // the collection that the next part belongs to
	chain chain
	name  string
	parts []string
	steps int
}

// enter adds a step to the chain.
func (w *walk) enter(s step) {
	w.chain.steps = append(w.chain.steps, s)
	w.chain.many = w.chain.many || s.many
	w.at = scope{collection: s.collection, key: s.key, nullable: true}
}

func (w *walk) run() (resolved, error) {
	for i, part := range w.parts {
		name, modifiers, modified := strings.Cut(part, ":")
		field := w.at.collection.Field(name)
		if field != nil && w.hidden(field) {
			return resolved{}, errorf("unknown field %q", name)
		}
		last := i == len(w.parts)-1
		switch {
		case field != nil && last:
			if modified && w.r.b.plain {
				return resolved{}, errorf("unknown modifier in %q", w.name)
			}
			return w.finish(field, modifiers, modified)
		case modified || last || part == "":
			return resolved{}, errorf("unknown field %q", part)
		case field != nil && holdsJSON(field):
			return w.jsonPath(field, w.parts[i+1:])
		case w.r.b.plain:
			return resolved{}, errorf("unknown field %q", part)
		}
		if rel, ok := field.(*schema.RelationField); ok {
			if !rel.Multiple() && i == len(w.parts)-2 && w.parts[i+1] == "id" {
				return w.finish(field, "", false)
			}
			if err := w.relation(rel); err != nil {
				return resolved{}, err
			}
			continue
		}
		if field != nil {
			return resolved{}, errorf("field %q is not a valid relation", part)
		}
		if err := w.back(part); err != nil {
			return resolved{}, err
		}
	}
	return resolved{}, errorf("unknown field %q", w.name)
}

// hidden tells whether the writer of the expression may not use a field.
func (w *walk) hidden(f schema.Field) bool { return w.r.trust == Client && f.Base().Hidden }

func (w *walk) count() error {
	if w.steps++; w.steps > maxSteps {
		return errorf("max nested relations reached for field %q", w.name)
	}
	return nil
}

func (w *walk) relation(rel *schema.RelationField) error {
	target := w.r.b.cat.ByID(rel.CollectionID)
	if target == nil {
		return errorf("failed to load collection %q from field path %q", rel.CollectionID, w.name)
	}
	if err := w.allowed(target); err != nil {
		return err
	}
	key := w.key()
	if rel.Multiple() {
		w.enter(elements(key, rel.Name))
		w.enter(related(w.at.key, target))
	} else {
		w.enter(single(key, rel.Name, target))
	}
	return w.demand(target)
}

func (w *walk) back(part string) error {
	name, via, found := strings.Cut(part, "_via_")
	if !found {
		return errorf("unknown field %q", part)
	}
	source := w.r.b.cat.Find(name)
	if source == nil {
		return errorf("failed to load collection %q from field path %q", name, w.name)
	}
	rel, ok := source.Field(via).(*schema.RelationField)
	if !ok || w.hidden(rel) {
		return errorf("missing back relation field %q", via)
	}
	if rel.CollectionID != w.at.collection.ID {
		return errorf("invalid collection reference of a back relation field %q", via)
	}
	if err := w.allowed(source); err != nil {
		return err
	}
	w.enter(back(w.key(), source, rel))
	return w.demand(source)
}

func (w *walk) key() string {
	if w.at.key != "" {
		return w.at.key
	}
	return w.at.collection.ID
}

// allowed refuses to join a collection that the client may not list.
func (w *walk) allowed(target *schema.Collection) error {
	if w.r.trust == Client && target.ListRule == nil {
		return errorf("unknown field %q", w.name)
	}
	return w.count()
}

// demand makes the list rule of a joined collection a condition of the whole query.
func (w *walk) demand(target *schema.Collection) error {
	if w.r.trust != Client || *target.ListRule == "" {
		return nil
	}
	b := w.r.b
	key := "demand " + w.at.key
	if b.byKey[key] != nil {
		return nil
	}
	b.byKey[key] = &tableJoin{}
	alias, err := b.use(w.from, w.chain)
	if err != nil {
		return err
	}
	rule, err := Parse(*target.ListRule)
	if err != nil {
		return err
	}
	f, err := b.group(rule.items, &resolver{b: b, scope: scope{collection: target, alias: alias, key: w.at.key, nullable: true}})
	if err != nil {
		return err
	}
	b.demanded = append(b.demanded, rule)
	b.demands = append(b.demands, join("("+alias+".id IS NULL OR %s)", f))
	return nil
}

// finish makes the operand of the last part of a path.
func (w *walk) finish(f schema.Field, modifier string, modified bool) (resolved, error) {
	name := f.Base().Name
	list := isList(f)
	if modified && !slices.Contains([]string{"lower", "length", "each", "isset", "changed"}, modifier) {
		return resolved{}, errorf("unknown modifier in %q", w.name)
	}
	out := resolved{class: stored, nullable: w.at.nullable, affinity: affinityOf(f)}
	write := func(alias string) string { return column(alias, name) }
	if f.Type() == "json" {
		out.class, out.nullable, out.affinity = rawSQL, true, noAffinity
		write = func(alias string) string { return jsonExtract(column(alias, name), "") }
	}
	switch {
	case modifier == "lower":
		plain := write
		write = func(alias string) string { return "LOWER(" + plain(alias) + ")" }
		out.class, out.affinity = stored, noAffinity
	case modifier == "length" && list:
		write = func(alias string) string { return lengthOf(column(alias, name), f.Multiple()) }
		out.nullable, out.affinity = false, noAffinity
	case modifier == "each" && list && f.Multiple():
		w.enter(elements(w.key(), name))
		write = func(alias string) string { return alias + ".value" }
		out.nullable, out.affinity = true, noAffinity
	}
	guard := ""
	if w.r.trust == Client && w.at.collection != nil && w.at.collection.IsAuth() && name == "email" {
		guard = "emailVisibility"
	}
	return w.made(out, write, guard)
}

// made completes an operand whose SQL for an alias is known.
func (w *walk) made(out resolved, write func(alias string) string, guard string) (resolved, error) {
	alias, err := w.r.b.use(w.from, w.chain)
	if err != nil {
		return resolved{}, err
	}
	if guard != "" {
		out.guard = raw(column(alias, guard) + " = 1")
	}
	out.sql = raw(write(alias))
	out.like = join("('%%' || %s || '%%')", out.sql)
	out.many, out.from, out.chain = w.chain.many, w.from, w.chain
	out.again = func(alias string) frag { return raw(write(alias)) }
	return out, nil
}

// jsonPath makes the operand of a path into a json or geoPoint column. Modifiers do not work there: their colon falls
// away.
func (w *walk) jsonPath(f schema.Field, rest []string) (resolved, error) {
	var path strings.Builder
	for _, part := range rest {
		part = strings.ReplaceAll(part, ":", "")
		switch {
		case part == "":
			return resolved{}, errorf("unknown field %q", w.name)
		case strings.Trim(part, "0123456789") == "":
			path.WriteString("[" + part + "]")
		default:
			path.WriteString(`."` + part + `"`)
		}
	}
	write := func(alias string) string { return jsonExtract(column(alias, f.Base().Name), path.String()) }
	return w.made(resolved{class: rawSQL, nullable: true}, write, "")
}

// jsonExtract takes the value at a path out of a json column; text that is no JSON counts as a JSON string.
func jsonExtract(column, path string) string {
	return "(CASE WHEN json_valid(" + column + ") THEN json_extract(" + column + ", '$" + path + "') ELSE json_extract(json_object('x', " + column + "), '$.x" + path + "') END)"
}

func lengthOf(column string, multiple bool) string {
	if multiple {
		return "(CASE WHEN json_valid(" + column + ") AND json_type(" + column + ") = 'array' THEN json_array_length(" + column + ") WHEN " + column + " = '' OR " + column + " IS NULL THEN 0 ELSE 1 END)"
	}
	return "(CASE WHEN " + column + " = '' OR " + column + " IS NULL THEN 0 ELSE 1 END)"
}

func holdsJSON(f schema.Field) bool { return f.Type() == "json" || f.Type() == "geoPoint" }

// isList tells whether a field type can hold several values.
func isList(f schema.Field) bool {
	switch f.Type() {
	case "select", "file", "relation":
		return true
	}
	return false
}

func affinityOf(f schema.Field) affinity {
	switch f.Type() {
	case "number", "bool", "json", "geoPoint":
		return numericAffinity
	}
	if f.Multiple() {
		return numericAffinity
	}
	return textAffinity
}
