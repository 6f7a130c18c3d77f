package filter

import (
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
)

// operand is the value of an operand; ok is false when it cannot be told here. With pattern it stands to the right of a
// LIKE.
func (e *evaluation) operand(o *operand, pattern bool) (s side, ok bool) {
	switch o.kind {
	case operandText:
		s = side{class: known, cell: textOfCell(o.text)}
		if o.text == "" {
			s.class = empty
		}
		if pattern {
			s.like, s.patterned = textOfCell(likePattern(o.text)), true
		}
		return s, true
	case operandNumber:
		return e.fixed(param{literal: o.number}, pattern), true
	case operandIdentifier:
		return e.reference(o.ref, pattern)
	}
	return side{}, false
}

func (e *evaluation) reference(r *reference, pattern bool) (side, bool) {
	switch {
	case r.foreign:
		return side{}, false
	case r.macro != nil:
		return e.fixed(param{kind: paramMacro, macro: r.macro}, pattern), true
	case r.request != nil:
		return e.request(r.request, pattern)
	}
	at := e.collection.FieldIndex(r.parts[0])
	if at < 0 {
		return e.word(r, pattern)
	}
	f := e.collection.Fields[at]
	if len(r.parts) == 1 {
		return e.column(f, e.values[at], r)
	}
	if f.Role() == schema.RoleRelation && !f.Multiple() && len(r.parts) == 2 && r.parts[1] == "id" {
		return e.column(f, e.values[at], r)
	}
	if f.Kind().HoldsJSON() {
		c := jsonCell(jsonOf(f, e.values[at]), r.parts[1:])
		return side{class: rawSQL, cell: c, nullable: true}, c.kind != unknownCell
	}
	return side{}, false
}

// word is null, true or false; nothing else is valid where there is no such field.
func (e *evaluation) word(r *reference, pattern bool) (side, bool) {
	if len(r.parts) > 1 || r.modified {
		return side{}, false
	}
	switch word := r.parts[0]; {
	case strings.EqualFold(word, "null"):
		return side{class: empty}, true
	case strings.EqualFold(word, "true"):
		return e.fixed(param{literal: int64(1)}, pattern), true
	case strings.EqualFold(word, "false"):
		return e.fixed(param{literal: int64(0)}, pattern), true
	}
	return side{}, false
}

// fixed is [fixed] for a value: that of a parameter.
func (e *evaluation) fixed(p param, pattern bool) side {
	s := side{class: known, cell: cellOf(p.value(e.req))}
	if pattern {
		p.like = true
		s.like, s.patterned = cellOf(p.value(e.req)), true
	}
	return s
}

// jsonOf is the text in the column of a field that holds JSON.
func jsonOf(f schema.Field, v schema.Value) schema.JSON {
	if f.Kind() == schema.KindObject {
		return f.AppendValue(nil, v)
	}
	text, _ := v.(schema.JSON)
	return text
}

// column is a field of the record: what [walk.finish] makes of it.
func (e *evaluation) column(f schema.Field, v schema.Value, r *reference) (side, bool) {
	if r.modified && !slices.Contains([]string{"lower", "length", "each", "isset", "changed"}, r.modifier) {
		return side{}, false
	}
	s := side{class: stored, affinity: affinityOf(f), cell: columnCell(f, v)}
	if f.Kind() == schema.KindJSON {
		s.class, s.nullable, s.affinity = rawSQL, true, noAffinity
	}
	switch list := f.CanBeMultiple(); {
	case r.modifier == "lower":
		s.class, s.affinity = stored, noAffinity
		s.cell = lowered(s.cell)
	case r.modifier == "length" && list:
		s.affinity = noAffinity
		s.cell = lengthOfValue(v, f.Multiple())
	case r.modifier == "each" && list && f.Multiple():
		l, ok := e.use(f.Base().Name, func() ([]cell, bool) { return textCells(v) })
		if !ok {
			return side{}, false
		}
		s = side{class: stored, nullable: true, many: true, list: l, cell: l.cells[l.at]}
	}
	return s, s.cell.kind != unknownCell
}

// columnCell is what the column of a field holds for a value, and of a json field what json_extract makes of it. A value of
// another form than the field's is unknown.
func columnCell(f schema.Field, v schema.Value) cell {
	kind := f.Kind()
	switch v := v.(type) {
	case string:
		if kind == schema.KindText {
			return textOfCell(v)
		}
	case schema.Password:
		if kind == schema.KindText {
			return textOfCell(v.Hash)
		}
	case float64:
		if kind == schema.KindNumber {
			return numberCell(v)
		}
	case bool:
		if kind == schema.KindBool {
			return boolCell(v)
		}
	case schema.JSON:
		if kind == schema.KindJSON {
			return jsonCell(v, nil)
		}
	case []string:
		if kind == schema.KindList {
			return textOfCell(string(f.AppendValue(nil, v)))
		}
	default:
		if kind == schema.KindObject && v != nil {
			return textOfCell(string(f.AppendValue(nil, v)))
		}
	}
	return cell{kind: unknownCell}
}

// numberCell is a number in a numeric column: a whole one is an integer.
func numberCell(n float64) cell {
	if i := int64(n); n >= -1<<63 && n < 1<<63 && float64(i) == n {
		return intOfCell(i)
	}
	return floatOfCell(n)
}

// lowered is SQL's LOWER.
func lowered(c cell) cell {
	t := c.asText()
	if t.kind != textCell {
		return t
	}
	if !plainText(t.s) {
		return cell{kind: unknownCell}
	}
	t.s = lowerASCII(t.s)
	return t
}

func lengthOfValue(v schema.Value, multiple bool) cell {
	switch v := v.(type) {
	case []string:
		if multiple {
			return intOfCell(int64(len(v)))
		}
	case string:
		if !multiple {
			return boolCell(v != "")
		}
	}
	return cell{kind: unknownCell}
}

// textCells are the items of a list.
func textCells(v any) ([]cell, bool) {
	list, ok := v.([]string)
	if !ok || len(list) > maxEvalRows {
		return nil, false
	}
	cells := make([]cell, len(list))
	for i, s := range list {
		if !plainText(s) {
			return nil, false
		}
		cells[i] = textOfCell(s)
	}
	return cells, true
}
