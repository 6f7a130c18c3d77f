package filter

import "strings"

// side is one operand of a comparison with its value. It carries what [resolved] says about the SQL, because the rules
// of compare.go depend on it.
type side struct {
	class class
	cell  cell
	like  cell // the LIKE pattern, when patterned
	// patterned tells that the pattern is not simply what contains the value.
	patterned bool
	nullable  bool
	affinity  affinity
	many      bool
	list      *list // of an :each operand
	isset     isset
	sent      *side // see [resolved]
}

// form is [resolved.form] for values.
func (s *side) form() *side {
	if s.sent != nil {
		return s.sent
	}
	return s
}

// element is [resolved.element] for values.
func (s *side) element() bool { return s.class == known && s.nullable }

// pattern is the operand as the right side of LIKE.
func (s *side) pattern() cell {
	if s.patterned {
		return s.like
	}
	return contains(s.cell)
}

// contains is the LIKE pattern of a column: '%' || c || '%'.
func contains(c cell) cell {
	t := c.asText()
	if t.kind == textCell {
		t.s = "%" + t.s + "%"
	}
	return t
}

var blank = cell{kind: textCell}

// verdict is [compare] for values.
func verdict(sign string, left, right *side) truth {
	t := verdictOf(sign, left, right)
	if left.sent == nil && right.sent == nil {
		return t
	}
	return t.and(verdictOf(sign, left.form(), right.form()))
}

func verdictOf(sign string, left, right *side) truth {
	switch sign {
	case "=":
		return isEqual(left, right)
	case "!=":
		return isUnequal(left, right)
	case "~":
		return like(left.cell, right.pattern())
	case "!~":
		return like(left.cell, right.pattern()).not()
	}
	a, b := converted(left, right)
	return ordered(sign, a, b)
}

// isEqual is [equal] for values.
func isEqual(left, right *side) truth {
	a, b := converted(left, right)
	switch {
	case (left.class == rawSQL || right.class == rawSQL) && !left.element() && !right.element():
		return same(a, b)
	case left.class == empty && right.class == empty:
		return yes
	case left.class == known && right.class == empty:
		return ordered("=", left.cell, blank)
	case left.class == empty && right.class == known:
		return ordered("=", blank, right.cell)
	case left.class == known || right.class == known:
		return ordered("=", a, b)
	case right.class == empty:
		return blankCell(left)
	case left.class == empty:
		return blankCell(right)
	case !left.nullable && !right.nullable && left.affinity == right.affinity:
		return ordered("=", a, b)
	}
	return ordered("=", orBlank(left.cell), orBlank(right.cell))
}

// isUnequal is [unequal] for values.
func isUnequal(left, right *side) truth {
	if right.isset != "" {
		return isNot(right.isset, left.cell)
	}
	a, b := converted(left, right)
	switch {
	case left.class == rawSQL || right.class == rawSQL:
		return same(a, b).not()
	case left.class == empty && right.class == empty:
		return no
	case left.class == known && right.class == empty:
		return ordered("!=", left.cell, blank)
	case left.class == empty && right.class == known:
		return ordered("!=", blank, right.cell)
	case left.class == known || right.class == known:
		if left.nullable || right.nullable {
			return same(a, b).not()
		}
		return ordered("!=", a, b)
	case right.class == empty:
		return blankCell(left).not()
	case left.class == empty:
		return blankCell(right).not()
	case !left.nullable && !right.nullable && left.affinity == right.affinity:
		return ordered("!=", a, b)
	}
	return ordered("!=", orBlank(left.cell), orBlank(right.cell))
}

// isNot is SQL's IS NOT TRUE and IS NOT FALSE.
func isNot(value isset, c cell) truth {
	holds := false
	switch c.kind {
	case nullCell:
		return yes
	case intCell:
		holds = c.i != 0
	case floatCell:
		holds = c.f != 0
	case textCell:
		if strings.ContainsAny(c.s, "0123456789") {
			return undecided // SQLite takes as much of a text for a number as looks like one
		}
	default:
		return undecided
	}
	return truthOf(holds != (value == "TRUE"))
}

// blankCell tells whether a column is empty or NULL. No affinity makes a number of the empty text, or that of a number.
func blankCell(s *side) truth {
	if s.cell.kind == nullCell && s.nullable {
		return yes
	}
	return ordered("=", s.cell, blank)
}

func orBlank(c cell) cell {
	if c.kind == nullCell {
		return blank
	}
	return c
}

// same is SQL's IS.
func same(a, b cell) truth {
	if a.kind == nullCell || b.kind == nullCell {
		if a.kind == unknownCell || b.kind == unknownCell {
			return undecided
		}
		return truthOf(a.kind == b.kind)
	}
	return ordered("=", a, b)
}

// ordered compares two cells after their conversion.
func ordered(sign string, a, b cell) truth {
	switch {
	case a.kind == unknownCell || b.kind == unknownCell:
		return undecided
	case a.kind == nullCell || b.kind == nullCell:
		return null
	}
	switch o := order(a, b); sign {
	case "=":
		return truthOf(o == 0)
	case "!=":
		return truthOf(o != 0)
	case "<":
		return truthOf(o < 0)
	case "<=":
		return truthOf(o <= 0)
	case ">":
		return truthOf(o > 0)
	case ">=":
		return truthOf(o >= 0)
	}
	return undecided
}

// converted applies the affinity of a comparison: a numeric column makes numbers of texts, a text column makes texts of
// numbers. (Two columns without numeric affinity convert nothing, but they hold no numbers either.)
func converted(left, right *side) (a, b cell) {
	a, b = left.cell, right.cell
	switch {
	case left.affinity == numericAffinity || right.affinity == numericAffinity:
		return a.asNumber(), b.asNumber()
	case left.affinity == textAffinity || right.affinity == textAffinity:
		if a.kind == textCell {
			b = b.asText()
		} else if b.kind == textCell {
			a = a.asText()
		}
	}
	return a, b
}
