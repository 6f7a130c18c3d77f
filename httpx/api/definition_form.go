package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
)

// Definitions of collections and settings are JSON. As a form they have dotted names for groups, repeated names for lists, and
// texts that are read as what the key holds. Lists of objects are JSON in one value. What a form does not name is not sent: a
// null rule stays null.

// shape is a definition as JSON gives it, which tells what its keys hold; null and unknown keys hold texts.
type shape map[string]any

// collectionShape and importShape are shapes of the bodies of the collections API, settingsShape that of the settings.
func collectionShape() shape {
	blank := schema.NewCollection(schema.Auth, "")
	s := shapeOf(blank.AppendAPI(nil))
	s["oauth2"].(map[string]any)["providers"] = []any{map[string]any{}}
	return s
}

func importShape() shape {
	return shape{"collections": []any{map[string]any{}}, "deleteMissing": false}
}

func settingsShape() shape { return shapeOf(settings.Default().AppendAPI(nil)) }

func shapeOf(definition []byte) shape {
	var s shape
	if err := json.Unmarshal(definition, &s); err != nil {
		return shape{} // what we encoded ourselves can be decoded
	}
	return s
}

// jsonBody returns the text of a JSON body, or of a form read as JSON of a shape, nil when there is none. It fails with
// httpx.ErrUnsupportedContentType for every other kind of body.
func jsonBody(c *httpx.Context, of func() shape) ([]byte, error) {
	if isForm(c) {
		form, _, err := c.Map()
		if err != nil || len(form) == 0 {
			return nil, err
		}
		out, err := of().read(form)
		if err != nil {
			return nil, errors.Join(httpx.ErrMalformed, err)
		}
		return json.Marshal(out)
	}
	raw, err := c.JSON()
	if err != nil || len(raw) == 0 {
		return nil, err
	}
	if !isJSON(c) {
		return nil, httpx.ErrUnsupportedContentType
	}
	return raw, nil
}

func isForm(c *httpx.Context) bool {
	t := c.Header("Content-Type")
	return strings.HasPrefix(t, "application/x-www-form-urlencoded") || strings.HasPrefix(t, "multipart/form-data")
}

// read makes nested values of a form's flat ones. JSON payloads, which are nested already, are laid over them.
func (s shape) read(form map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(form))
	for _, name := range slices.Sorted(maps.Keys(form)) {
		value := form[name]
		if _, nested := value.(map[string]any); nested {
			continue
		}
		path := s.path(name)
		value, sent, err := s.value(path, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if sent {
			place(out, path, value)
		}
	}
	for name, value := range form {
		if nested, ok := value.(map[string]any); ok {
			lay(out, name, nested)
		}
	}
	return out, nil
}

// path splits a dotted name and writes its parts as the definition does: in forms, as in JSON, case does not matter.
func (s shape) path(name string) []string {
	path := strings.Split(name, ".")
	var holds any = map[string]any(s)
	for i, part := range path {
		m, group := holds.(map[string]any)
		if !group {
			break
		}
		if _, known := m[part]; !known {
			for key := range m {
				if strings.EqualFold(key, part) {
					path[i] = key
				}
			}
		}
		holds = m[path[i]]
	}
	return path
}

// place puts a value under a path. What is in the way of the path stays.
func place(m map[string]any, path []string, value any) {
	for _, name := range path[:len(path)-1] {
		next, ok := m[name].(map[string]any)
		if !ok {
			if m[name] != nil {
				return
			}
			next = make(map[string]any)
			m[name] = next
		}
		m = next
	}
	m[path[len(path)-1]] = value
}

// lay merges a value into m under name, key by key.
func lay(m map[string]any, name string, value any) {
	over, ok := value.(map[string]any)
	under, both := m[name].(map[string]any)
	if !ok || !both {
		m[name] = value
		return
	}
	for k, v := range over {
		lay(under, k, v)
	}
}

// value reads what a form holds at a path. sent is false for what cannot be meant for it: the names of the query, which
// forms are merged with, may be those of lists of objects.
func (s shape) value(path []string, raw any) (value any, sent bool, err error) {
	if raw == nil {
		return nil, true, nil // of a payload
	}
	var holds any = map[string]any(s)
	for _, name := range path {
		m, group := holds.(map[string]any)
		if !group && holds != nil {
			return nil, false, nil
		}
		holds = m[name]
	}
	switch holds := holds.(type) {
	case []any:
		if len(holds) > 0 {
			if _, objects := holds[0].(map[string]any); objects {
				return objectList(raw)
			}
		}
		return textList(raw), true, nil
	case map[string]any:
		return nil, false, nil
	case bool:
		if text := formText(raw); text != "" {
			value, err = strconv.ParseBool(text)
			return value, true, err
		}
		return false, true, nil
	case float64:
		return formNumber(raw)
	}
	return formText(raw), true, nil
}

func formNumber(raw any) (any, bool, error) {
	text := formText(raw)
	if text == "" {
		return 0, true, nil
	}
	n, err := strconv.ParseInt(text, 0, 64)
	return n, true, err
}

// formText is the text that was sent, the first when there are several.
func formText(raw any) string {
	switch v := raw.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		if len(v) > 0 {
			return formText(v[0])
		}
	}
	return ""
}

func textList(raw any) []string {
	values, ok := raw.([]any)
	if !ok {
		values = []any{raw}
	}
	list := make([]string, 0, len(values))
	for _, v := range values {
		if text := formText(v); text != "" {
			list = append(list, text)
		}
	}
	return list
}

// objectList reads a list of objects: one that came in a payload, or the first text that is one.
func objectList(raw any) (any, bool, error) {
	values, ok := raw.([]any)
	if !ok {
		values = []any{raw}
	}
	for _, v := range values {
		if _, object := v.(map[string]any); object {
			return values, true, nil
		}
		text, _ := v.(string)
		if !strings.HasPrefix(strings.TrimSpace(text), "[") {
			continue
		}
		var list []json.RawMessage
		err := json.Unmarshal([]byte(text), &list)
		return list, true, err
	}
	return nil, false, nil
}
