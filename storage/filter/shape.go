package filter

import (
	"math"
	"strconv"
)

// Shape appends to dst what a query made of e depends on beside the definitions: which request values and parameters are
// missing or empty, and the collection of the signed-in record. Two requests with the same shape can share a query, unless it is
// [Query.Demanding].
func Shape(dst []byte, e *Expr, req *Request) []byte {
	if e == nil {
		return dst
	}
	for _, identifier := range e.requests {
		p, ok := parseRequestPath(identifier)
		if !ok {
			continue
		}
		if p.source == "auth" {
			if req.Auth == nil {
				dst = append(dst, '-')
				continue
			}
			dst = append(dst, req.Auth.Collection.ID...)
			dst = append(dst, ':')
		}
		v, exists := req.lookup(p)
		switch {
		case !exists:
			dst = append(dst, 'm')
		case isEmpty(bindable(v)):
			dst = append(dst, 'e')
		default:
			dst = append(dst, 'k')
		}
	}
	for _, name := range e.named {
		if isEmpty(req.Params[name]) {
			dst = append(dst, 'e')
		} else {
			dst = append(dst, 'k')
		}
	}
	return append(dst, ';')
}

// isEmpty tells whether a bound value counts as empty in comparisons.
func isEmpty(v value) bool { return v == nil || v == "" }

func appendValueKey(dst []byte, v value) []byte {
	switch v := v.(type) {
	case nil:
		return append(dst, 'n')
	case string:
		dst = append(dst, 's')
		dst = strconv.AppendInt(dst, int64(len(v)), 10)
		dst = append(dst, ':')
		return append(dst, v...)
	case float64:
		dst = append(dst, 'f')
		return strconv.AppendUint(dst, math.Float64bits(v), 16)
	case int64:
		dst = append(dst, 'i')
		return strconv.AppendInt(dst, v, 10)
	case bool:
		return append(strconv.AppendBool(append(dst, 'b'), v), ',')
	}
	return append(dst, '?')
}
