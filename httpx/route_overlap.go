package httpx

// Overrides tells whether some request that other alone would get goes to r where a [Router] holds both. Patterns that cannot be
// read override nothing.
func (r *Route) Overrides(other *Route) bool {
	mine, err := parsePattern(r.Path)
	if err != nil {
		return false
	}
	theirs, err := parsePattern(other.Path)
	if err != nil {
		return false
	}
	switch overlap(mine, theirs) {
	case apart, behind:
		return false
	case ahead:
		return meets(r.Method, other.Method)
	}
	// Of the same shape: the method decides, see pick.
	return r.Method == other.Method || other.Method == "" || r.Method == "HEAD" && other.Method == "GET"
}

// meets tells whether a request can be one of both methods.
func meets(a, b string) bool {
	return a == b || a == "" || b == "" || a == "HEAD" && b == "GET" || a == "GET" && b == "HEAD"
}

// order is how two patterns stand to one another.
type order int

const (
	apart  order = iota // no path is one of both
	ahead               // of a path of both the first one is found
	behind              // the second one
	alike               // both stand for the same paths
)

// overlap compares two patterns as [node.find] does: what stands further left decides.
func overlap(a, b []segment) order {
	found := alike
	for i := 0; ; i++ {
		switch {
		case i == len(a) && i == len(b):
			return found
		case i < len(a) && a[i].kind == restSegment, i < len(b) && b[i].kind == restSegment:
			return first(found, rest(a, b, i))
		case i == len(a) || i == len(b):
			return apart
		}
		switch x, y := a[i], b[i]; {
		case x.kind == literalSegment && y.kind == literalSegment:
			if x.text != y.text {
				return apart
			}
		case x.kind == literalSegment && x.text == "", y.kind == literalSegment && y.text == "":
			return apart // a parameter is never empty
		case x.kind == literalSegment && y.kind == paramSegment:
			found = first(found, ahead)
		case x.kind == paramSegment && y.kind == literalSegment:
			found = first(found, behind)
		}
	}
}

// rest compares patterns one of which takes all that is left from segment i on.
func rest(a, b []segment, i int) order {
	switch takesA, takesB := i < len(a) && a[i].kind == restSegment, i < len(b) && b[i].kind == restSegment; {
	case takesA && takesB:
		return alike
	case takesA && i < len(b):
		return behind
	case takesB && i < len(a):
		return ahead
	}
	return apart // /a is not below /a/
}

// first keeps what was decided further left.
func first(found, next order) order {
	if found == alike || next == apart {
		return next
	}
	return found
}
