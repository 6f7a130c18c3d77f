package schema

import (
	"bytes"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"
)

// Select, relation and file fields hold one text or a list of texts, by their MaxSelect. What they share is here.

// The columns of fields that hold one text, and of those that hold a list.
const (
	textColumn = "TEXT DEFAULT '' NOT NULL"
	jsonColumn = "JSON DEFAULT '[]' NOT NULL"
)

func listColumn(multiple bool) string {
	if multiple {
		return jsonColumn
	}
	return textColumn
}

func listZero(multiple bool) Value {
	if multiple {
		return []string{}
	}
	return ""
}

// listValue gives a cast list the form of the field.
func listValue(list []string, multiple bool) Value {
	if multiple {
		return list
	}
	return lastText(list)
}

// texts returns the elements of a value in either form; the caller must not change them.
func texts(v Value) []string {
	switch v := v.(type) {
	case []string:
		return v
	case string:
		if v != "" {
			return []string{v}
		}
	}
	return nil
}

// modifyList applies a modifier of a list field. The result is a new list.
func modifyList(current Value, m Modification, raw any, multiple bool) (Value, bool) {
	was, given := texts(current), castList(raw)
	var list []string
	switch m {
	case Append:
		list = slices.Concat(was, given)
	case Prepend:
		list = slices.Concat(given, was)
	case Remove:
		list = make([]string, 0, len(was))
		for _, s := range was {
			if !slices.Contains(given, s) {
				list = append(list, s)
			}
		}
	default:
		return nil, false
	}
	return listValue(uniqueTexts(list), multiple), true
}

func scanList(stmt *sqlite.Stmt, col int, multiple bool) Value {
	s := columnText(stmt, col)
	if multiple {
		return listFromText(s)
	}
	return oneFromText(s)
}

// oneFromText reads the stored text of a field for one value, which may be a list when the field was one for several
// values before.
func oneFromText(s string) string {
	if !strings.Contains(s, "[") {
		return s
	}
	return lastText(listFromText(s))
}

func bindList(stmt *sqlite.Stmt, param int, v Value, multiple bool) {
	if !multiple {
		bindText(stmt, param, lastText(texts(v)))
		return
	}
	stmt.BindText(param, string(appendList(nil, texts(v))))
}

func appendListValue(dst []byte, v Value, multiple bool) []byte {
	if multiple {
		return appendList(dst, texts(v))
	}
	return AppendJSONString(dst, lastText(texts(v)))
}

func appendListColumn(dst []byte, stmt *sqlite.Stmt, col int, multiple bool) []byte {
	start := len(dst)
	dst = appendColumnRaw(dst, stmt, col)
	raw := dst[start:]
	switch {
	case !multiple && bytes.IndexByte(raw, '[') < 0:
		return escapeTail(dst, start)
	case !multiple:
		return AppendJSONString(dst[:start], oneFromText(string(raw)))
	case isPlainList(raw):
		return dst
	}
	return appendList(dst[:start], listFromText(string(raw)))
}

// isPlainList tells whether raw is a JSON array of texts in the very form that is written: no blanks, nothing to escape,
// no empty text and no repeats. It may say no to a longer list, which is then decoded.
func isPlainList(raw []byte) bool {
	n := len(raw)
	if n < 2 || raw[0] != '[' || raw[n-1] != ']' {
		return false
	}
	if n == 2 {
		return true
	}
	var seen [smallList][]byte
	count := 0
	for i := 1; ; {
		if raw[i] != '"' || count == len(seen) {
			return false
		}
		from := i + 1
		for i = from; i < n && plainJSON[raw[i]]; i++ {
		}
		if i >= n-1 || raw[i] != '"' || i == from {
			return false
		}
		text := raw[from:i]
		for _, s := range seen[:count] {
			if bytes.Equal(s, text) {
				return false
			}
		}
		seen[count] = text
		count++
		if i++; i == n-1 {
			return true
		}
		if raw[i] != ',' || i+1 >= n-1 {
			return false
		}
		i++
	}
}
