package filter

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// parseNamed is [Cache.ParseNamed] without memory.
func parseNamed(text string) (*Expr, error) {
	return parse(&parser{expr: &Expr{text: text}, named: true}, text)
}

// Named lists the parameters of an expression, each once. The caller does not change the list.
func (e *Expr) Named() []string { return e.named }

// maxNamed is how long the name of a parameter may be.
const maxNamed = 64

// parameter reads "{:name}".
func (s *scanner) parameter() (token, error) {
	start := s.pos + len("{:")
	end := start
	for end < len(s.src) && (isLetter(s.src[end]) || isDigit(s.src[end]) || s.src[end] == '_') {
		end++
	}
	if s.pos+1 >= len(s.src) || s.src[s.pos+1] != ':' || end == start || end-start > maxNamed || end >= len(s.src) || s.src[end] != '}' {
		return token{}, errorf("invalid parameter, expected {:name}")
	}
	s.pos = end + 1
	return token{kind: tokenNamed, text: s.src[start:end]}, nil
}

func (r *resolver) named(name string) (resolved, error) {
	v, ok := r.b.req.Params[name]
	if !ok {
		return resolved{}, errorf("missing value of parameter %q", name)
	}
	out := fixed(param{kind: paramNamed, name: name})
	if isEmpty(v) {
		out.class = empty
	}
	return out, nil
}

// Params are the values of parameters in the form in which they are bound. [NewParams] makes them.
type Params map[string]value

// maxExact is the largest number up to which a float64 tells all integers apart.
const maxExact = 1 << 53

// NewParams takes nil, texts, bools, numbers and times. A whole number is an integer, a time has the form that date fields
// store. Other types, and numbers that are infinite or none, are errors.
func NewParams(values map[string]any) (Params, error) {
	p := make(Params, len(values))
	for name, v := range values {
		b, err := paramValue(v)
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", name, err)
		}
		p[name] = b
	}
	return p, nil
}

func paramValue(v any) (value, error) {
	switch v := v.(type) {
	case nil, string, int64:
		return v, nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case int:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case float64:
		return wholeOrFloat(v)
	case json.Number:
		if n, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return n, nil
		}
		f, err := v.Float64()
		if err != nil {
			return nil, fmt.Errorf("read number: %w", err)
		}
		return wholeOrFloat(f)
	case time.Time:
		return v.UTC().Format(dateLayout), nil
	}
	return nil, fmt.Errorf("type %T cannot be used in a filter", v)
}

func wholeOrFloat(f float64) (value, error) {
	switch {
	case math.IsInf(f, 0) || math.IsNaN(f):
		return nil, fmt.Errorf("%v is no number", f)
	case f == math.Trunc(f) && math.Abs(f) <= maxExact:
		return int64(f), nil
	}
	return f, nil
}
