package filter

// maxStrftimeArguments is how many arguments strftime takes at most.
const maxStrftimeArguments = 10

func (r *resolver) call(o operand) (resolved, error) {
	switch o.text {
	case "geoDistance":
		return r.geoDistance(o.args)
	case "strftime":
		return r.strftime(o.args)
	}
	return resolved{}, errorf("unknown function %q", o.text)
}

// geoDistance is the great-circle distance in kilometres. With many-valued arguments one joined row is enough.
func (r *resolver) geoDistance(args []operand) (resolved, error) {
	if len(args) != 4 {
		return resolved{}, errorf("[geoDistance] expected 4 arguments, got %d", len(args))
	}
	var v [4]frag
	guard := frag{}
	for i, a := range args {
		if a.kind != operandIdentifier && a.kind != operandNumber && a.kind != operandNamed {
			return resolved{}, errorf("[geoDistance] argument %d must be an identifier or number", i)
		}
		at, err := r.anyOperand(a)
		if err != nil {
			return resolved{}, errorf("[geoDistance] failed to resolve argument %d: %v", i, err)
		}
		v[i] = at.sql
		if at.guard.sql != "" && guard.sql != "" {
			guard = join("%s AND %s", guard, at.guard)
		} else if at.guard.sql != "" {
			guard = at.guard
		}
	}
	lonA, latA, lonB, latB := v[0], v[1], v[2], v[3]
	// Of a point and itself, or the one opposite, rounding can make more than 1 or less than -1, for which there is no acos.
	sql := join("(6371 * acos(max(-1, min(1, cos(radians(%s)) * cos(radians(%s)) * cos(radians(%s) - radians(%s)) + sin(radians(%s)) * sin(radians(%s))))))",
		latA, latB, lonB, lonA, latA, latB)
	return resolved{class: rawSQL, nullable: true, sql: sql, like: join("('%%' || %s || '%%')", sql), guard: guard}, nil
}

// strftime is SQLite's function. Its time may have many values; format and modifiers are texts.
func (r *resolver) strftime(args []operand) (resolved, error) {
	if len(args) == 0 || len(args) > maxStrftimeArguments {
		return resolved{}, errorf("[strftime] expected between 1 and %d arguments, got %d", maxStrftimeArguments, len(args))
	}
	if args[0].kind != operandText {
		return resolved{}, errorf("[strftime] the format argument must be a text")
	}
	out := resolved{class: stored, nullable: true}
	var before, after []frag
	before = append(before, literal(args[0].text))
	sql := "strftime(%s"
	var at resolved
	if len(args) > 1 {
		if args[1].kind == operandFunction {
			return resolved{}, errorf("[strftime] the time argument must be a text, number or identifier")
		}
		var err error
		if at, err = r.anyOperand(args[1]); err != nil {
			return resolved{}, errorf("[strftime] failed to resolve the time argument: %v", err)
		}
		sql += ", %s"
	}
	for _, a := range args[min(2, len(args)):] {
		if a.kind != operandText {
			return resolved{}, errorf("[strftime] modifiers must be texts")
		}
		sql += ", %s"
		after = append(after, literal(a.text))
	}
	sql += ")"
	if len(args) == 1 || at.class == known {
		// A text may say "now".
		r.b.now = true
	}
	write := func(time frag) frag {
		parts := append([]frag(nil), before...)
		if len(args) > 1 {
			parts = append(parts, time)
		}
		return join(sql, append(parts, after...)...)
	}
	out.sql = write(at.sql)
	out.like = join("('%%' || %s || '%%')", out.sql)
	out.guard, out.many, out.from, out.chain = at.guard, at.many, at.from, at.chain
	if at.again != nil {
		out.again = func(alias string) frag { return write(at.again(alias)) }
	}
	return out, nil
}
