package filter

import "slices"

// comparison makes the condition of one comparison. Where an operand has many values and the operator is not one of the
// "?" kind, no value of the path may fail it: that part looks at all values, not only at the joined row.
func (b *Builder) comparison(c *comparison, r *resolver) (frag, error) {
	left, err := r.operand(c.left, "left")
	if err != nil {
		return frag{}, err
	}
	right, err := r.operand(c.right, "right")
	if err != nil {
		return frag{}, err
	}
	f := compare(c.op.sign, left, right)
	if !c.op.any && (left.many || right.many) {
		f = join("(%s AND %s)", f, b.noneFails(c.op.sign, left, right))
	}
	for _, o := range []resolved{left, right} {
		if o.guard.sql != "" {
			f = join("(%s AND %s)", f, o.guard)
		}
	}
	return f, nil
}

// noneFails is the condition that no pair of values of the two operands fails the comparison. A comparison that gives
// NULL does not fail.
func (b *Builder) noneFails(sign string, left, right resolved) frag {
	var joins []frag
	for _, o := range []*resolved{&left, &right} {
		if !o.many {
			continue
		}
		from, alias := b.copyOf(o.from, o.chain)
		joins = append(joins, from)
		o.sql = o.again(alias)
		o.like = join("('%%' || %s || '%%')", o.sql)
	}
	all := joins[0]
	if len(joins) == 2 {
		all = join("%s%s", joins[0], joins[1])
	}
	return join("NOT EXISTS (SELECT 1 FROM (SELECT 1)%s WHERE NOT (%s))", all, compare(sign, left, right))
}

// compare writes a comparison of two values, in both forms of those that have two.
func compare(sign string, left, right resolved) frag {
	f := compareForm(sign, left, right)
	if left.sent == nil && right.sent == nil {
		return f
	}
	second := compareForm(sign, left.form(), right.form())
	if second.sql == f.sql && slices.EqualFunc(second.params, f.params, sameParam) {
		return f
	}
	return join("(%s AND %s)", f, second)
}

func compareForm(sign string, left, right resolved) frag {
	switch sign {
	case "=":
		return equal(left, right)
	case "!=":
		return unequal(left, right)
	case "~":
		return join(`%s LIKE %s ESCAPE '\'`, left.sql, right.like)
	case "!~":
		return join(`%s NOT LIKE %s ESCAPE '\'`, left.sql, right.like)
	}
	return join("%s "+sign+" %s", left.sql, right.sql)
}

func equal(left, right resolved) frag {
	switch {
	case (left.class == rawSQL || right.class == rawSQL) && !left.element() && !right.element():
		return join("%s IS %s", left.sql, right.sql)
	case left.class == empty && right.class == empty:
		return raw("1")
	case left.class == known && right.class == empty:
		return join("%s = ''", left.sql)
	case left.class == empty && right.class == known:
		return join("'' = %s", right.sql)
	case left.class == known || right.class == known:
		return join("%s = %s", left.sql, right.sql)
	case right.class == empty:
		return isBlank(left)
	case left.class == empty:
		return isBlank(right)
	case sameColumns(left, right):
		return join("%s = %s", left.sql, right.sql)
	}
	return join("COALESCE(%s, '') = COALESCE(%s, '')", left.sql, right.sql)
}

func unequal(left, right resolved) frag {
	switch {
	case right.isset != "":
		// IS NOT TRUE and IS NOT FALSE look at the truth of the other side: a text is neither unless it is a number.
		return join("%s IS NOT "+string(right.isset), left.sql)
	case left.class == rawSQL || right.class == rawSQL:
		return join("%s IS NOT %s", left.sql, right.sql)
	case left.class == empty && right.class == empty:
		return raw("0")
	case left.class == known && right.class == empty:
		return join("%s != ''", left.sql)
	case left.class == empty && right.class == known:
		return join("'' != %s", right.sql)
	case left.class == known || right.class == known:
		if left.nullable || right.nullable {
			return join("%s IS NOT %s", left.sql, right.sql)
		}
		return join("%s != %s", left.sql, right.sql)
	case right.class == empty:
		return isNotBlank(left)
	case left.class == empty:
		return isNotBlank(right)
	case sameColumns(left, right):
		return join("%s != %s", left.sql, right.sql)
	}
	return join("COALESCE(%s, '') != COALESCE(%s, '')", left.sql, right.sql)
}

// sameColumns tells whether two columns can be compared as they are: then an index can serve. Columns of different
// affinity are compared without any.
func sameColumns(left, right resolved) bool {
	return !left.nullable && !right.nullable && left.affinity == right.affinity
}

func isBlank(o resolved) frag {
	if o.nullable {
		return join("(%s = '' OR %s IS NULL)", o.sql, o.sql)
	}
	return join("%s = ''", o.sql)
}

func isNotBlank(o resolved) frag {
	if o.nullable {
		return join("(%s != '' AND %s IS NOT NULL)", o.sql, o.sql)
	}
	return join("%s != ''", o.sql)
}
