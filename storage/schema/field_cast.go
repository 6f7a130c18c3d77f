package schema

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// castText is the string cast: texts as they are, numbers in plain decimals, booleans by name, everything else "".
func castText(raw any) string {
	s, _ := scalarText(raw)
	return s
}

// scalarText is castText and tells whether raw was a scalar; null is one.
func scalarText(raw any) (s string, ok bool) {
	switch v := raw.(type) {
	case nil:
		return "", true
	case string:
		return v, true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return strconv.FormatFloat(f, 'f', -1, 64), true
		}
		return v.String(), true
	}
	return "", false
}

// castNumber reads numbers, booleans and texts that hold a number; everything else is 0. The result may be infinite or
// NaN, when a text says so.
func castNumber(raw any) float64 {
	var f float64
	switch v := raw.(type) {
	case float64:
		f = v
	case bool:
		if v {
			f = 1
		}
	case int:
		f = float64(v)
	case int64:
		f = float64(v)
	case string:
		f = parseNumber(v)
	case json.Number:
		f = parseNumber(v.String())
	}
	if f == 0 {
		return 0 // also for -0, which has no stored form
	}
	return f
}

func parseNumber(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f == 0 {
		return 0
	}
	return f
}

// castBool reads booleans, numbers and the texts of [isTrue].
func castBool(raw any) bool {
	switch v := raw.(type) {
	case bool:
		return v
	case string:
		return isTrue(v)
	}
	return castNumber(raw) != 0
}

func isTrue(s string) bool {
	switch s {
	case "1", "t", "T", "TRUE", "true", "True":
		return true
	}
	return false
}

// castList is the list cast: the texts of a list or of a JSON array in a text, without empty ones and repeats. The
// result is never nil and never shares memory with raw.
func castList(raw any) []string {
	switch v := raw.(type) {
	case []string:
		return uniqueTexts(slices.Clone(v))
	case []any:
		list := make([]string, 0, len(v))
		for _, e := range v {
			s, ok := scalarText(e)
			if !ok {
				return []string{}
			}
			list = append(list, s)
		}
		return uniqueTexts(list)
	case string:
		return listFromText(v)
	}
	return uniqueTexts([]string{castText(raw)})
}

// listFromText reads a list of texts from a JSON array; a text that is none is the only element, and a JSON array with
// other elements gives its texts, then the whole text.
func listFromText(s string) []string {
	if !strings.Contains(s, "[") {
		return uniqueTexts([]string{s})
	}
	var list []string
	if err := json.Unmarshal([]byte(s), &list); err != nil {
		list = append(list, s)
	}
	return uniqueTexts(list)
}

// smallList is the length up to which comparing all pairs is cheaper than a set.
const smallList = 16

// uniqueTexts drops empty texts and repeats, the first one wins. It works in place and never returns nil.
func uniqueTexts(list []string) []string {
	if list == nil {
		return []string{}
	}
	var seen map[string]struct{}
	if len(list) > smallList {
		seen = make(map[string]struct{}, len(list))
	}
	out := list[:0]
	for _, s := range list {
		if s == "" {
			continue
		}
		if seen == nil {
			if slices.Contains(out, s) {
				continue
			}
		} else {
			if _, ok := seen[s]; ok {
				continue
			}
			seen[s] = struct{}{}
		}
		out = append(out, s)
	}
	return out
}

// lastText returns the last element, "" of an empty list: what a field for one value keeps of a list.
func lastText(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[len(list)-1]
}
