package contract_test

import (
	"regexp"
	"strings"
)

// shape finds the placeholders of values that the server draws; those with a number are the same value wherever they stand in a case.
var shape = regexp.MustCompile(`<(id|client|datetime|jwt|text|file:[^<>]*?)(#\d+)?>`)

// shapes are what the placeholders stand for. The name of a file is that of the upload with ten letters before its extension.
var shapes = map[string]string{
	"id":       `[a-z0-9]{15}`,
	"client":   `[A-Za-z0-9]{20,64}`,
	"datetime": `\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?Z`,
	"jwt":      `eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}`,
	"text":     `(?s:.+)`,
}

func shapeOf(kind string) string {
	upload, ok := strings.CutPrefix(kind, "file:")
	if !ok {
		return shapes[kind]
	}
	stem, extension := upload, ""
	if dot := strings.IndexByte(upload, '.'); dot >= 0 {
		stem, extension = upload[:dot], upload[dot:]
	}
	return regexp.QuoteMeta(stem) + `_[A-Za-z0-9]{10}` + regexp.QuoteMeta(extension)
}

// bindings are the values that numbered placeholders turned out to be.
type bindings map[string]string

// matchText holds a recorded text, whose variables are filled in, against what came.
func (b bindings) matchText(want, got string) bool {
	places := shape.FindAllStringSubmatchIndex(want, -1)
	if places == nil {
		return want == got
	}
	var pattern strings.Builder
	var names []string
	pattern.WriteString("^")
	end := 0
	for _, p := range places {
		pattern.WriteString(regexp.QuoteMeta(want[end:p[0]]) + "(" + shapeOf(want[p[2]:p[3]]) + ")")
		end = p[1]
		name := ""
		if p[4] >= 0 {
			name = want[p[0]:p[1]]
		}
		names = append(names, name)
	}
	pattern.WriteString(regexp.QuoteMeta(want[end:]) + "$")
	groups := regexp.MustCompile(pattern.String()).FindStringSubmatch(got)
	if groups == nil {
		return false
	}
	for i, name := range names {
		if name == "" {
			continue
		}
		if known, ok := b[name]; ok && known != groups[i+1] {
			return false
		}
		b[name] = groups[i+1]
	}
	return true
}
