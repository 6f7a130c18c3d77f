package filter

import (
	"cmp"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// truth is the outcome of a comparison in SQL's three-valued logic, or that it takes the database to know it.
type truth int8

const (
	no truth = iota
	yes
	null
	undecided
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case no:
		return yes
	case yes:
		return no
	}
	return t
}

// and is SQL's AND; undecided wins over everything.
func (t truth) and(o truth) truth {
	switch {
	case t == undecided || o == undecided:
		return undecided
	case t == no || o == no:
		return no
	case t == null || o == null:
		return null
	}
	return yes
}

// or is SQL's OR; undecided wins over everything.
func (t truth) or(o truth) truth { return t.not().and(o.not()).not() }

// storage is a storage class of SQLite.
type storage uint8

const (
	nullCell storage = iota
	intCell
	floatCell
	textCell
	// unknownCell is a value whose exact form only SQLite knows.
	unknownCell
)

// cell is a value as SQLite holds it. The zero value is NULL.
type cell struct {
	kind storage
	i    int64
	f    float64
	s    string
}

func textOfCell(s string) cell { return cell{kind: textCell, s: s} }
func intOfCell(i int64) cell   { return cell{kind: intCell, i: i} }

// cellOf is a bound value.
func cellOf(v value) cell {
	switch v := v.(type) {
	case nil:
		return cell{}
	case string:
		return textOfCell(v)
	case float64:
		return floatOfCell(v)
	case int64:
		return intOfCell(v)
	case bool:
		return boolCell(v)
	}
	return cell{kind: unknownCell}
}

// floatOfCell is a float; what is not finite SQLite changes.
func floatOfCell(f float64) cell {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return cell{kind: unknownCell}
	}
	return cell{kind: floatCell, f: f}
}

func boolCell(b bool) cell {
	if b {
		return intOfCell(1)
	}
	return intOfCell(0)
}

// plainText tells whether SQLite and Go see the same characters in a text.
func plainText(s string) bool {
	return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s)
}

// asText is the cell as SQLite writes it as text: NULL stays, and floats that need many digits or an exponent are left
// to SQLite.
func (c cell) asText() cell {
	switch c.kind {
	case intCell:
		return textOfCell(strconv.FormatInt(c.i, 10))
	case floatCell:
		return floatText(c.f)
	}
	return c
}

// exactDigits is how many significant decimal digits every float64 keeps, so that there is only one text for it.
const exactDigits = 15

func floatText(f float64) cell {
	if f == 0 && !math.Signbit(f) {
		return textOfCell("0.0")
	}
	if abs := math.Abs(f); !(abs >= 1e-4 && abs < 1e15) {
		return cell{kind: unknownCell}
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if digitsOf(s) > exactDigits {
		return cell{kind: unknownCell}
	}
	if strings.IndexByte(s, '.') < 0 {
		s += ".0"
	}
	return textOfCell(s)
}

// digitsOf counts the digits of a number in plain decimals, zeros in front apart.
func digitsOf(s string) int {
	s = strings.TrimLeft(s, "-0.")
	return len(s) - strings.Count(s, ".")
}

// asNumber is what numeric affinity makes of the cell: text that is a number as a whole becomes that number.
func (c cell) asNumber() cell {
	if c.kind != textCell {
		return c
	}
	trimmed := strings.Trim(c.s, "\t\n\v\f\r ")
	if trimmed == "" || !numeral(trimmed) {
		if strings.IndexByte(c.s, 0) >= 0 {
			return cell{kind: unknownCell}
		}
		return c
	}
	if len(trimmed) != len(c.s) {
		return cell{kind: unknownCell}
	}
	return decimal(c.s)
}

// numeral tells whether a text might be a number for SQLite, at least all of its characters.
func numeral(s string) bool {
	digit := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digit = true
		case c == '.' || c == 'e' || c == 'E':
		case (c == '-' || c == '+') && (i == 0 || s[i-1] == 'e' || s[i-1] == 'E'):
		default:
			return false
		}
	}
	return digit
}

// decimal reads a number written in the simplest way, everything else is left to SQLite.
func decimal(s string) cell {
	unsigned := strings.TrimPrefix(s, "-")
	whole, fraction, point := strings.Cut(unsigned, ".")
	if len(whole)+len(fraction) > exactDigits || !allDigits(whole) || point && !allDigits(fraction) {
		return cell{kind: unknownCell}
	}
	if point {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f == 0 {
			return cell{kind: unknownCell}
		}
		return cell{kind: floatCell, f: f}
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil || i == 0 && s != "0" {
		return cell{kind: unknownCell}
	}
	return intOfCell(i)
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// order compares two cells that are neither NULL nor unknown: numbers by value and before every text, texts by bytes.
func order(a, b cell) int {
	switch {
	case a.kind == textCell && b.kind == textCell:
		return strings.Compare(a.s, b.s)
	case a.kind == textCell:
		return 1
	case b.kind == textCell:
		return -1
	case a.kind == intCell && b.kind == intCell:
		return cmp.Compare(a.i, b.i)
	case a.kind == floatCell && b.kind == floatCell:
		return cmp.Compare(a.f, b.f)
	case a.kind == intCell:
		return compareIntFloat(a.i, b.f)
	}
	return -compareIntFloat(b.i, a.f)
}

// maxExactInt is the bound below which every integer is a float64.
const maxExactInt = 1 << 53

func compareIntFloat(i int64, f float64) int {
	if i > -maxExactInt && i < maxExactInt {
		return cmp.Compare(float64(i), f)
	}
	return new(big.Float).SetInt64(i).Cmp(big.NewFloat(f))
}
