package troupe

import (
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth is how deeply arrays and objects may be nested: deeper ones are an attack on the stack.
const maxJSONDepth = 256

// ErrJSON says that a text is no JSON.
var ErrJSON = errors.New("not a JSON text")

// Value is a JSON value that was read: a piece of the text it came from, which must stay as it is. The zero value is one
// that is not there; everything about it is empty.
type Value struct{ raw []byte }

// ParseJSON checks a text and gives its value. The text is not copied.
func ParseJSON(text []byte) (Value, error) {
	end, ok := skipValue(text, skipSpace(text, 0), 0)
	if !ok || skipSpace(text, end) != len(text) || !utf8.Valid(text) {
		return Value{}, ErrJSON
	}
	return Value{text[skipSpace(text, 0):end]}, nil
}

// JSON implements [JSON]: the text of the value; null of one that is not there.
func (v Value) JSON() []byte {
	if v.raw == nil {
		return []byte("null")
	}
	return v.raw
}

// Exists reports whether the value is there; a null is.
func (v Value) Exists() bool { return v.raw != nil }

// IsNull reports whether the value is a null.
func (v Value) IsNull() bool { return v.first() == 'n' }

// IsText reports whether the value is a text.
func (v Value) IsText() bool { return v.first() == '"' }

// IsObject reports whether the value is an object.
func (v Value) IsObject() bool { return v.first() == '{' }

// IsArray reports whether the value is an array.
func (v Value) IsArray() bool { return v.first() == '[' }

func (v Value) first() byte {
	if len(v.raw) == 0 {
		return 0
	}
	return v.raw[0]
}

// Text is the text, "" if the value is none.
func (v Value) Text() string {
	if !v.IsText() {
		return ""
	}
	return unquote(v.raw)
}

// Number is the number, 0 if the value is none. One that is too large is an infinity.
func (v Value) Number() float64 {
	if c := v.first(); c != '-' && (c < '0' || c > '9') {
		return 0
	}
	n, _ := strconv.ParseFloat(string(v.raw), 64) // its text was checked; out of range it gives the infinity
	return n
}

// Int is the number without its fraction, 0 if the value is none or out of range.
func (v Value) Int() int64 {
	if n, err := strconv.ParseInt(string(v.raw), 10, 64); err == nil {
		return n
	}
	if n := v.Number(); n > -1<<63 && n < 1<<63 {
		return int64(n)
	}
	return 0
}

// Bool reports whether the value is true.
func (v Value) Bool() bool { return v.first() == 't' }

// Get follows keys of objects down. Of a key that is there twice the last counts.
func (v Value) Get(path ...string) Value {
	for _, key := range path {
		found := Value{}
		for k, x := range v.Fields() {
			if k == key {
				found = x
			}
		}
		v = found
	}
	return v
}

// Index is the element i of an array.
func (v Value) Index(i int) Value {
	for n, x := range v.Items() {
		if n == i {
			return x
		}
	}
	return Value{}
}

// Fields goes over keys and values of an object: for key, value := range v.Fields().
func (v Value) Fields() func(yield func(string, Value) bool) {
	return func(yield func(string, Value) bool) {
		if !v.IsObject() {
			return
		}
		for i := skipSpace(v.raw, 1); v.raw[i] != '}'; {
			end, _ := skipString(v.raw, i)
			key := unquote(v.raw[i:end])
			i = skipSpace(v.raw, skipSpace(v.raw, end)+1) // over the colon
			end, _ = skipValue(v.raw, i, 0)
			if !yield(key, Value{v.raw[i:end]}) {
				return
			}
			i = nextElement(v.raw, end)
		}
	}
}

// Items goes over the elements of an array: for i, value := range v.Items().
func (v Value) Items() func(yield func(int, Value) bool) {
	return func(yield func(int, Value) bool) {
		if !v.IsArray() {
			return
		}
		n := 0
		for i := skipSpace(v.raw, 1); v.raw[i] != ']'; n++ {
			end, _ := skipValue(v.raw, i, 0)
			if !yield(n, Value{v.raw[i:end]}) {
				return
			}
			i = nextElement(v.raw, end)
		}
	}
}

// nextElement goes from behind an element to the next one or the closing bracket.
func nextElement(b []byte, i int) int {
	i = skipSpace(b, i)
	if b[i] == ',' {
		i = skipSpace(b, i+1)
	}
	return i
}

// unquote gives what a checked JSON string stands for. Half a surrogate pair becomes U+FFFD.
func unquote(b []byte) string {
	b = b[1 : len(b)-1]
	i := 0
	for i < len(b) && b[i] != '\\' {
		i++
	}
	if i == len(b) {
		return string(b)
	}
	out := append(make([]byte, 0, len(b)), b[:i]...)
	for i < len(b) {
		if b[i] != '\\' {
			out = append(out, b[i])
			i++
			continue
		}
		switch c := b[i+1]; c {
		case 'u':
			r := hexRune(b[i+2:])
			i += 6
			if utf16.IsSurrogate(r) {
				low := rune(-1)
				if len(b) >= i+6 && b[i] == '\\' && b[i+1] == 'u' {
					low = hexRune(b[i+2:])
				}
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
			continue
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		default:
			out = append(out, c)
		}
		i += 2
	}
	return string(out)
}

// hexRune reads the four digits of \u.
func hexRune(b []byte) (r rune) {
	for _, c := range b[:4] {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c&^0x20 - 'A' + 10
		}
		r = r<<4 | rune(c)
	}
	return r
}
