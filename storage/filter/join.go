package filter

import (
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	engine "github.com/troupebase/troupe/storage/sqlite"
)

// maxSteps is how many relations a path may pass through before its last part.
const maxSteps = 6

// tableJoin is one LEFT JOIN of the query.
type tableJoin struct {
	alias string
	sql   frag // "LEFT JOIN …" with its condition
}

// chain is the list of joins from the base to the end of a path, and whether one of them multiplies rows. For a
// match-all condition it is written a second time, with aliases of its own.
type chain struct {
	steps []step
	many  bool
}

// step is one join, written for any alias of its own and of the row before it.
type step struct {
	key        string
	collection *schema.Collection // nil for the elements of a list
	many       bool
	// sql writes the join; from is the alias of the row before it, to the alias of the new one.
	sql func(from, to string) frag
	// value is the column that stands for the step itself when it is a list of elements.
	value string
}

// elementsOf is the list in a column as a table: a JSON list as it is, any other text as one element, nothing when
// empty.
func elementsOf(column string) string {
	return fmt.Sprintf("json_each(CASE WHEN json_valid(%[1]s) AND json_type(%[1]s) = 'array' THEN %[1]s WHEN %[1]s = '' OR %[1]s IS NULL THEN '[]' ELSE json_array(%[1]s) END)", column)
}

func column(alias, name string) string { return alias + "." + engine.QuoteName(name) }

// elements is the step to the single items of a multiple field.
func elements(key, field string) step {
	return step{key: key + "|each:" + field, many: true, value: "value", sql: func(from, to string) frag {
		return raw("LEFT JOIN " + elementsOf(column(from, field)) + " AS " + to)
	}}
}

// related is the step from an element of a list to the record that it names.
func related(key string, target *schema.Collection) step {
	return step{key: key + "|record", collection: target, sql: func(from, to string) frag {
		return raw(fmt.Sprintf("LEFT JOIN %s AS %s ON %s.id = %s.value", engine.QuoteName(target.Name), to, to, from))
	}}
}

// single is the step along a relation field that holds one id.
func single(key, field string, target *schema.Collection) step {
	return step{key: key + "|" + field, collection: target, sql: func(from, to string) frag {
		return raw(fmt.Sprintf("LEFT JOIN %s AS %s ON %s.id = %s", engine.QuoteName(target.Name), to, to, column(from, field)))
	}}
}

// back is the step to the records of a collection whose relation field points here.
func back(key string, source *schema.Collection, field schema.Field) step {
	name := field.Base().Name
	s := step{key: key + "|" + source.ID + " via " + name, collection: source}
	if field.Multiple() {
		s.many = true
		s.sql = func(from, to string) frag {
			return raw(fmt.Sprintf("LEFT JOIN %s AS %s ON %s.id IN (SELECT value FROM %s)", engine.QuoteName(source.Name), to, from, elementsOf(column(to, name))))
		}
		return s
	}
	_, unique := source.UniqueIndex(name)
	s.many = !unique
	s.sql = func(from, to string) frag {
		return raw(fmt.Sprintf("LEFT JOIN %s AS %s ON %s = %s.id", engine.QuoteName(source.Name), to, column(to, name), from))
	}
	return s
}

// every is the step to all records of a collection, under an alias of the writer's choice.
func every(name string, target *schema.Collection) step {
	return step{key: "@collection:" + name, collection: target, many: true, sql: func(_, to string) frag {
		return raw(fmt.Sprintf("LEFT JOIN %s AS %s ON 1", engine.QuoteName(target.Name), to))
	}}
}

// identity is the step to the row of the signed-in record.
func identity(c *schema.Collection) step {
	return step{key: "@request.auth", collection: c, sql: func(_, to string) frag {
		return join("LEFT JOIN "+engine.QuoteName(c.Name)+" AS "+to+" ON "+to+".id = %s", placeholder(param{kind: paramIdentityID}))
	}}
}

// submitted is the step to the records whose ids the body holds under a relation field.
func submitted(path requestPath, target *schema.Collection, many bool) []step {
	ids := placeholder(param{kind: paramIDs, path: requestPath{source: path.source, parts: path.parts[:1]}})
	key := "@request.body." + path.parts[0]
	list := step{key: key, many: many, value: "value", sql: func(_, to string) frag {
		return join("LEFT JOIN json_each(%s) AS "+to, ids)
	}}
	return []step{list, related(key, target)}
}

// use adds the joins of a chain to the query, each once, and returns the alias of its last row.
func (b *Builder) use(from scope, c chain) (string, error) {
	alias := from.alias
	for _, s := range c.steps {
		known := b.byKey[s.key]
		if known == nil {
			known = &tableJoin{alias: fmt.Sprintf("`j:%d`", len(b.joins)+1)}
			known.sql = s.sql(alias, known.alias)
			b.joins = append(b.joins, known)
			b.byKey[s.key] = known
			if s.collection != nil {
				b.reads(s.collection)
			}
		}
		b.many = b.many || s.many
		alias = known.alias
	}
	return alias, nil
}

// copyOf writes a chain again for a match-all condition. It is anchored at the row of the query, so that only the
// joins of the chain itself are walked.
func (b *Builder) copyOf(from scope, c chain) (joins frag, alias string) {
	b.copies++
	alias = from.alias
	var sql strings.Builder
	var params []param
	for i, s := range c.steps {
		to := fmt.Sprintf("`m:%d:%d`", b.copies, i+1)
		f := s.sql(alias, to)
		sql.WriteString(" " + f.sql)
		params = append(params, f.params...)
		alias = to
	}
	return frag{sql: sql.String(), params: params}, alias
}
