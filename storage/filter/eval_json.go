package filter

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/troupebase/troupe/storage/schema"
)

// maxEvalJSON bounds the JSON texts that are walked in memory, and maxEvalNested the brackets in them: SQLite takes a
// text for JSON only down to some depth.
const (
	maxEvalJSON   = 1 << 16
	maxEvalNested = 400
)

// jsonCell is the value at a path in a json column: what json_extract returns.
func jsonCell(text schema.JSON, path []string) cell {
	if text == nil {
		return cell{}
	}
	if len(text) > maxEvalJSON || bytes.Count(text, []byte{'['})+bytes.Count(text, []byte{'{'}) > maxEvalNested ||
		!json.Valid(text) || !utf8.Valid(text) {
		return cell{kind: unknownCell}
	}
	at := bytes.Trim(text, " \t\r\n")
	for _, part := range path {
		var found, ok bool
		if at, found, ok = jsonStep(at, part); !ok {
			return cell{kind: unknownCell}
		} else if !found {
			return cell{}
		}
	}
	return jsonValue(at)
}

// jsonStep goes to one element or member of valid JSON. ok is false when only SQLite can tell.
func jsonStep(at []byte, part string) (value []byte, found, ok bool) {
	part = strings.ReplaceAll(part, ":", "")
	if part == "" {
		return nil, false, false
	}
	wanted, opening := -1, byte('{')
	if allDigits(part) {
		opening = '['
		n, err := strconv.Atoi(part)
		if err != nil || n > maxEvalJSON {
			return nil, false, false
		}
		wanted = n
	}
	if at[0] != opening {
		return nil, false, true
	}
	s := jsonScan{text: at, at: 1}
	for i := 0; ; i++ {
		s.blanks()
		if s.text[s.at] == ',' {
			s.at++
			s.blanks()
		}
		if s.text[s.at] == ']' || s.text[s.at] == '}' {
			return nil, false, true
		}
		hit := i == wanted
		if opening == '{' {
			key := s.value()
			if bytes.IndexByte(key, '\\') >= 0 {
				return nil, false, false
			}
			hit = string(key[1:len(key)-1]) == part
			s.blanks()
			s.at++ // the colon
			s.blanks()
		}
		value := s.value()
		if hit {
			return value, true, true
		}
	}
}

// jsonScan reads valid JSON.
type jsonScan struct {
	text []byte
	at   int
}

func (s *jsonScan) blanks() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// value takes one value, which begins here.
func (s *jsonScan) value() []byte {
	start, depth := s.at, 0
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '"':
			s.skipText()
		case '[', '{':
			depth++
			s.at++
		case ']', '}':
			if depth == 0 {
				return s.text[start:s.at]
			}
			depth--
			s.at++
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.text[start:s.at]
			}
			s.at++
			continue
		default:
			s.at++
			continue
		}
		if depth == 0 {
			return s.text[start:s.at]
		}
	}
	return s.text[start:s.at]
}

func (s *jsonScan) skipText() {
	for s.at++; s.at < len(s.text) && s.text[s.at] != '"'; s.at++ {
		if s.text[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
}

// jsonValue is the SQL value of one JSON value.
func jsonValue(raw []byte) cell {
	switch raw[0] {
	case 'n':
		return cell{}
	case 't':
		return intOfCell(1)
	case 'f':
		return intOfCell(0)
	case '"':
		return jsonTextCell(raw)
	case '[', '{':
		var compact bytes.Buffer
		if err := json.Compact(&compact, raw); err != nil {
			return cell{kind: unknownCell}
		}
		return textOfCell(compact.String())
	}
	c := decimal(string(raw))
	if c.kind == floatCell && c.f == float64(int64(c.f)) {
		// A column keeps such a number as an integer, a list or an object as a float.
		return cell{kind: unknownCell}
	}
	return c
}

func jsonTextCell(raw []byte) cell {
	inner := raw[1 : len(raw)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return textOfCell(string(inner))
	}
	// Half a character pair and the zero character mean something else to SQLite.
	lower := bytes.ToLower(inner)
	if bytes.Contains(lower, []byte(`\ud`)) || bytes.Contains(lower, []byte(`\u0000`)) {
		return cell{kind: unknownCell}
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return cell{kind: unknownCell}
	}
	return textOfCell(s)
}
