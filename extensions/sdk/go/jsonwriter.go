package troupe

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// JSON is what can be written as a JSON value: a [JSONObject], a [JSONArray], a [Value].
type JSON interface{ JSON() []byte }

// JSONObject writes a JSON object key by key, in the order of the calls. It is valid until the handler returns.
type JSONObject struct{ jsonBuffer }

// JSONArray writes a JSON array. It is valid until the handler returns.
type JSONArray struct{ jsonBuffer }

// Object begins an empty object.
func Object() *JSONObject {
	o := &JSONObject{}
	o.buf = takeBuffer('{')
	return o
}

// Array begins an empty array.
func Array() *JSONArray {
	a := &JSONArray{}
	a.buf = takeBuffer('[')
	return a
}

// jsonBuffer is a list of values under construction. Its last byte is the closing bracket only after JSON was called.
type jsonBuffer struct {
	buf    []byte
	closed bool
}

// JSON gives the text. Another value may be added afterwards, which makes the text given before invalid.
func (b *jsonBuffer) JSON() []byte {
	if !b.closed {
		b.buf = append(b.buf, b.buf[0]+2) // '{'+2 is '}', '['+2 is ']'
		b.closed = true
	}
	return b.buf
}

// next makes room for another value.
func (b *jsonBuffer) next() {
	if b.closed {
		b.buf = b.buf[:len(b.buf)-1]
		b.closed = false
	}
	if len(b.buf) > 1 {
		b.buf = append(b.buf, ',')
	}
}

func (o *JSONObject) key(key string) {
	o.next()
	o.buf = append(appendText(o.buf, key), ':')
}

// Text adds a text.
func (o *JSONObject) Text(key, v string) *JSONObject {
	o.key(key)
	o.buf = appendText(o.buf, v)
	return o
}

// Int adds a whole number.
func (o *JSONObject) Int(key string, v int64) *JSONObject {
	o.key(key)
	o.buf = strconv.AppendInt(o.buf, v, 10)
	return o
}

// Number adds a number; what JSON cannot express (NaN, infinities) becomes null.
func (o *JSONObject) Number(key string, v float64) *JSONObject {
	o.key(key)
	o.buf = appendNumber(o.buf, v)
	return o
}

// Bool adds a bool.
func (o *JSONObject) Bool(key string, v bool) *JSONObject {
	o.key(key)
	o.buf = strconv.AppendBool(o.buf, v)
	return o
}

// Null adds a null.
func (o *JSONObject) Null(key string) *JSONObject {
	o.key(key)
	o.buf = append(o.buf, "null"...)
	return o
}

// Put adds another value.
func (o *JSONObject) Put(key string, v JSON) *JSONObject {
	o.key(key)
	o.buf = append(o.buf, v.JSON()...)
	return o
}

// Text adds a text.
func (a *JSONArray) Text(v string) *JSONArray {
	a.next()
	a.buf = appendText(a.buf, v)
	return a
}

// Int adds a whole number.
func (a *JSONArray) Int(v int64) *JSONArray {
	a.next()
	a.buf = strconv.AppendInt(a.buf, v, 10)
	return a
}

// Number adds a number; what JSON cannot express (NaN, infinities) becomes null.
func (a *JSONArray) Number(v float64) *JSONArray {
	a.next()
	a.buf = appendNumber(a.buf, v)
	return a
}

// Bool adds a bool.
func (a *JSONArray) Bool(v bool) *JSONArray {
	a.next()
	a.buf = strconv.AppendBool(a.buf, v)
	return a
}

// Null adds a null.
func (a *JSONArray) Null() *JSONArray {
	a.next()
	a.buf = append(a.buf, "null"...)
	return a
}

// Put adds another value.
func (a *JSONArray) Put(v JSON) *JSONArray {
	a.next()
	a.buf = append(a.buf, v.JSON()...)
	return a
}

const hex = "0123456789abcdef"

// appendText writes a JSON string. Bytes that are not UTF-8 become U+FFFD: the host takes UTF-8 only.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[done:i]...), "\uFFFD"...)
				done = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[done:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		done = i
	}
	return append(append(b, s[done:]...), '"')
}

// appendNumber writes a number as short as it can be read back.
func appendNumber(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, v, format, -1, 64)
}

// Raw is a text that is JSON already, such as what Record.JSON gives.
type Raw string

// JSON implements JSON.
func (r Raw) JSON() []byte { return []byte(r) }
