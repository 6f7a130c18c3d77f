package schema

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plainJSON tells which bytes stand in a JSON string as they are, without looking at their neighbours.
var plainJSON = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = true
	}
	for _, c := range `"\<>&` {
		t[c] = false
	}
	return t
}()

// AppendJSONString appends s as a JSON string to dst. Like encoding/json it escapes <, >, & and the line separators
// U+2028 and U+2029, so that the result may stand inside HTML, and it writes bytes that are no UTF-8 as U+FFFD.
func AppendJSONString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	dst = appendEscaped(dst, s)
	return append(dst, '"')
}

func appendEscaped[T string | []byte](dst []byte, s T) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plainJSON[c] {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[start:i]...)
			dst = appendEscape(dst, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
		switch {
		case r == utf8.RuneError && size == 1:
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\ufffd`...)
			start = i + size
		case r == '\u2028' || r == '\u2029':
			dst = append(dst, s[start:i]...)
			dst = append(dst, `\u202`...)
			dst = append(dst, hexDigits[r&0xf])
			start = i + size
		}
		i += size
	}
	return append(dst, s[start:]...)
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}

// escapeTail makes a JSON string of dst[start:], which is the raw text, in place: no second buffer is needed, and text
// that has nothing to escape is moved by one byte or not at all.
func escapeTail(dst []byte, start int) []byte {
	raw := dst[start:]
	for _, c := range raw {
		if !plainJSON[c] {
			end := len(dst)
			dst = AppendJSONString(dst, raw)
			return dst[:start+copy(dst[start:], dst[end:])]
		}
	}
	dst = append(dst, 0, '"')
	copy(dst[start+1:len(dst)-1], dst[start:])
	dst[start] = '"'
	return dst
}

// appendJSONNumber appends f as encoding/json would: plain decimals between 1e-6 and 1e21, an exponent beyond. What JSON
// cannot say (infinities, NaN) becomes null.
func appendJSONNumber(dst []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(dst, "null"...)
	}
	abs := math.Abs(f)
	if abs < maxExactFloat && f == math.Trunc(f) {
		if f == 0 && math.Signbit(f) {
			return append(dst, "-0"...)
		}
		return strconv.AppendInt(dst, int64(f), 10)
	}
	if abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(dst, f, 'f', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
	// e-09 is written e-9.
	if n := len(dst); n-start >= 4 && dst[n-4] == 'e' && dst[n-2] == '0' && dst[n-3] == '-' {
		dst[n-2] = dst[n-1]
		dst = dst[:n-1]
	}
	return dst
}

// maxExactFloat is the bound below which every whole number is a float64.
const maxExactFloat = 1 << 53

// appendList appends a list of texts as a JSON array.
func appendList(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, s)
	}
	return append(dst, ']')
}

// appendCompactJSON appends raw, which is valid JSON, without the blanks between its tokens. raw may be the tail of the
// array that dst is in, at or behind its end.
func appendCompactJSON(dst, raw []byte) []byte {
	if !utf8.Valid(raw) {
		raw = toValidUTF8(raw)
	}
	inString := false
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case inString:
			if c == '\\' && i+1 < len(raw) {
				dst = append(dst, c)
				i++
				c = raw[i]
			} else if c == '"' {
				inString = false
			}
		case c == '"':
			inString = true
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

// toValidUTF8 replaces each byte that is no UTF-8 by U+FFFD, as the JSON decoder of a client would.
func toValidUTF8(raw []byte) []byte {
	out := slices.Grow([]byte(nil), len(raw)+16)
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		out = utf8.AppendRune(out, r)
		raw = raw[n:]
	}
	return out
}
