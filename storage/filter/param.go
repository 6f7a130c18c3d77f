package filter

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/schema"
)

// param is one "?" of a query: where its value comes from when the query is bound.
type param struct {
	kind     paramKind
	literal  value        // paramLiteral
	path     requestPath  // paramRequest, paramIDs
	name     string       // paramNamed
	field    schema.Field // paramVirtual
	index    int          // paramVirtual: position of the field in its collection
	macro    macro        // paramMacro
	like     bool         // the value becomes a LIKE pattern
	lower    bool         // the value is lower-cased
	asText   bool         // missing values are ""
	asNumber bool         // numeric text becomes a number
	json     bool         // the value is the JSON text that was sent
	words    bool         // in a pattern a bool is the word, not the number
	stored   bool         // the value is bound as it is stored in a column
}

type paramKind int

const (
	paramLiteral paramKind = iota
	paramRequest
	paramIDs    // a request value as a JSON list
	paramLength // how many items a request value has
	paramMacro
	paramVirtual
	paramIdentityID
	paramNamed
)

// frag is a piece of SQL with its parameters in the order of its question marks.
type frag struct {
	sql    string
	params []param
}

func raw(sql string) frag { return frag{sql: sql} }

// join makes one fragment of a format in which every %s stands for a fragment.
func join(format string, parts ...frag) frag {
	texts := make([]any, len(parts))
	var params []param
	for i, p := range parts {
		texts[i] = p.sql
		params = append(params, p.params...)
	}
	return frag{sql: fmt.Sprintf(format, texts...), params: params}
}

func placeholder(p param) frag { return frag{sql: "?", params: []param{p}} }

func literal(v value) frag { return placeholder(param{literal: v}) }

// value works a parameter out for a request.
func (p *param) value(req *Request) value {
	var v value
	switch p.kind {
	case paramLiteral:
		v = p.literal
	case paramMacro:
		v = p.macro(req.Now)
	case paramIdentityID:
		if req.Auth != nil {
			v = req.Auth.ID
		}
	case paramNamed:
		v = req.Params[p.name]
	case paramIDs:
		found, _ := req.lookup(p.path)
		return idList(found)
	case paramLength:
		found, _ := req.lookup(p.path)
		v = lengthOfSubmitted(found)
	case paramRequest:
		found, _ := req.lookup(p.path)
		if v = bindable(found); p.json {
			v = sentJSON(found)
		}
	}
	return p.shape(v)
}

func (p *param) shape(v value) value {
	if p.asText {
		if s, ok := textOf(v); ok {
			v = s
		} else {
			v = ""
		}
	}
	if n, ok := v.(float64); ok && p.stored && n == math.Trunc(n) && math.Abs(n) < 1<<63 {
		v = int64(n)
	}
	if s, ok := v.(string); ok {
		if p.asNumber {
			if n, ok := numeric(s); ok {
				return n
			}
		}
		if p.lower {
			v = lowerASCII(s)
		}
	}
	if p.like {
		if b, ok := v.(bool); ok && p.words {
			return likePattern(strconv.FormatBool(b))
		}
		if s, ok := textOf(v); ok {
			return likePattern(s)
		}
		return nil
	}
	return v
}

// sentJSON is the JSON text of a submitted value.
func sentJSON(v any) value {
	switch v := v.(type) {
	case nil:
		return "null"
	case schema.JSON:
		if len(v) == 0 {
			return "null"
		}
		return string(v)
	}
	return jsonText(v)
}

// sameParam tells whether two parameters of one operand get the same value.
func sameParam(a, b param) bool {
	return a.kind == paramRequest && b.kind == paramRequest && a.json == b.json && (a.words == b.words || !a.like) &&
		a.lower == b.lower && a.asText == b.asText && a.asNumber == b.asNumber && a.like == b.like && a.path.equal(&b.path)
}

// idList makes the JSON list of the ids in a submitted relation value.
func idList(v any) value {
	switch v := v.(type) {
	case nil:
		return "[]"
	case string:
		if v == "" {
			return "[]"
		}
		return jsonText([]string{v})
	case []string:
		return jsonText(v)
	case []any:
		return jsonText(v)
	case []Upload:
		return bindable(v)
	case Upload:
		return jsonText([]string{v.Name})
	}
	return jsonText([]any{v})
}

func bind(stmt *sqlite.Stmt, at int, v value) error {
	switch v := v.(type) {
	case nil:
		stmt.BindNull(at)
	case string:
		stmt.BindText(at, v)
	case float64:
		stmt.BindFloat(at, v)
	case int64:
		stmt.BindInt64(at, v)
	case bool:
		stmt.BindBool(at, v)
	default:
		return fmt.Errorf("bind parameter %d: unexpected %T", at, v)
	}
	return nil
}

// likePattern makes the right side of LIKE of a value: as it is when it has a wildcard of its own, otherwise what
// contains it (filters.md 5.4).
func likePattern(s string) string {
	var b strings.Builder
	wild := false
	b.WriteByte('%')
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && isLikeSpecial(s[i+1]):
			b.WriteByte(c)
			i++
			b.WriteByte(s[i])
		case c == '%':
			wild = true
			b.WriteString(`\%`)
		case isLikeSpecial(c):
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
	}
	if wild {
		return s
	}
	b.WriteByte('%')
	return b.String()
}

func isLikeSpecial(c byte) bool { return c == '\\' || c == '%' || c == '_' }

// macro works out one of the "@now" family.
type macro func(now time.Time) value

// dateLayout is the stored form of datetimes.
const dateLayout = "2006-01-02 15:04:05.000Z"

func dateMacro(f func(now time.Time) time.Time) macro {
	return func(now time.Time) value { return f(now.UTC()).Format(dateLayout) }
}

func numberMacro(f func(now time.Time) int) macro {
	return func(now time.Time) value { return int64(f(now.UTC())) }
}

// lastMoment is how far the end of a period lies before the beginning of the next.
const lastMoment = time.Millisecond

func day(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
}
func month(t time.Time) time.Time { return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC) }
func year(t time.Time) time.Time  { return time.Date(t.Year(), 1, 1, 0, 0, 0, 0, time.UTC) }

var macros = map[string]macro{
	"@now":        dateMacro(func(t time.Time) time.Time { return t }),
	"@yesterday":  dateMacro(func(t time.Time) time.Time { return t.AddDate(0, 0, -1) }),
	"@tomorrow":   dateMacro(func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }),
	"@todayStart": dateMacro(day),
	"@todayEnd":   dateMacro(func(t time.Time) time.Time { return day(t).AddDate(0, 0, 1).Add(-lastMoment) }),
	"@monthStart": dateMacro(month),
	"@monthEnd":   dateMacro(func(t time.Time) time.Time { return month(t).AddDate(0, 1, 0).Add(-lastMoment) }),
	"@yearStart":  dateMacro(year),
	"@yearEnd":    dateMacro(func(t time.Time) time.Time { return year(t).AddDate(1, 0, 0).Add(-lastMoment) }),
	"@second":     numberMacro(time.Time.Second),
	"@minute":     numberMacro(time.Time.Minute),
	"@hour":       numberMacro(time.Time.Hour),
	"@day":        numberMacro(time.Time.Day),
	"@month":      numberMacro(func(t time.Time) int { return int(t.Month()) }),
	"@weekday":    numberMacro(func(t time.Time) int { return int(t.Weekday()) }),
	"@year":       numberMacro(time.Time.Year),
}
