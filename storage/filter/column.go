package filter

import (
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
)

// finish makes the operand of the last part of a path.
func (w *walk) finish(f schema.Field, modifier string, modified bool) (resolved, error) {
	name := f.Base().Name
	list := f.CanBeMultiple()
	if modified && !slices.Contains([]string{"lower", "length", "each", "isset", "changed"}, modifier) {
		return resolved{}, errorf("unknown modifier in %q", w.name)
	}
	out := resolved{class: stored, nullable: w.at.nullable, affinity: affinityOf(f)}
	write := func(alias string) string { return column(alias, name) }
	if f.Kind() == schema.KindJSON {
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
	out, err := w.made(out, write, guard)
	if err == nil && w.r.b.created && len(w.chain.steps) == 0 && w.from.alias == w.r.b.base.alias {
		out.sent = asSent(f, out)
	}
	return out, err
}

// asSent is a column of the record to be created without the affinity that it will have in the table: texts and numbers are
// not made alike then. A number is a float, as it came.
func asSent(f schema.Field, o resolved) *resolved {
	if !f.Multiple() && !f.Kind().HoldsJSON() {
		sent := o
		sent.affinity, sent.sql = noAffinity, join("+%s", o.sql)
		if f.Kind() == schema.KindNumber {
			sent.sql = join("(%s + 0.0)", o.sql)
		}
		sent.like = join("('%%' || %s || '%%')", sent.sql)
		return &sent
	}
	return nil
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

// affinityOf is the affinity of a field's column.
func affinityOf(f schema.Field) affinity {
	if f.Kind() == schema.KindText {
		return textAffinity
	}
	return numericAffinity
}

// isScalar tells whether a numeric column holds numbers, and not JSON.
func isScalar(f schema.Field) bool {
	kind := f.Kind()
	return kind == schema.KindNumber || kind == schema.KindBool
}
