package oauth2

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// object is a JSON object of a provider. Reads remember the first value of another type than the one that is asked for, so
// that an answer of another shape is a failure and not a user without a name. null is as good as nothing.
type object struct {
	root map[string]any
	err  error
}

// decodeObject reads a JSON object, with its numbers as they stand.
func decodeObject(raw []byte) (*object, error) {
	o := new(object)
	if err := decode(raw, &o.root); err != nil {
		return nil, err
	}
	if o.root == nil {
		o.root = map[string]any{}
	}
	return o, nil
}

var errTrailing = errors.New("more than one JSON value")

func decode(raw []byte, dst any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(dst); err != nil {
		return fmt.Errorf("decode the answer: %w", err)
	}
	if d.More() {
		return errTrailing
	}
	return nil
}

// at returns what stands at a path of keys and positions with dots between, nil when there is nothing.
func (o *object) at(path string) any {
	var v any = o.root
	for rest := path; rest != "" && v != nil; {
		var key string
		key, rest, _ = strings.Cut(rest, ".")
		switch in := v.(type) {
		case map[string]any:
			v = member(in, key)
		case []any:
			i, err := strconv.Atoi(key)
			switch {
			case err != nil:
				o.wrong(path)
				return nil
			case i >= len(in):
				return nil
			}
			v = in[i]
		default:
			o.wrong(path)
			return nil
		}
	}
	return v
}

// member returns a member of an object; its name may be in any case where it is not there as it is.
func member(in map[string]any, key string) any {
	if v, ok := in[key]; ok {
		return v
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if strings.EqualFold(name, key) {
			return in[name]
		}
	}
	return nil
}

func (o *object) wrong(path string) {
	if o.err == nil {
		o.err = fmt.Errorf("%s has an unexpected type", path)
	}
}

// text returns a text, "" when there is none.
func (o *object) text(path string) string {
	if path == "" {
		return ""
	}
	v := o.at(path)
	s, ok := v.(string)
	if v != nil && !ok {
		o.wrong(path)
	}
	return s
}

// integer returns a whole number, 0 when there is none.
func (o *object) integer(path string) int64 {
	v := o.at(path)
	if v == nil {
		return 0
	}
	number, ok := v.(json.Number)
	n, err := strconv.ParseInt(string(number), 10, 64)
	if !ok || err != nil {
		o.wrong(path)
		return 0
	}
	return n
}

// yes returns a boolean, false when there is none.
func (o *object) yes(path string) bool {
	v := o.at(path)
	b, ok := v.(bool)
	if v != nil && !ok {
		o.wrong(path)
	}
	return b
}

// filled tells whether there is a list with at least one element.
func (o *object) filled(path string) bool {
	v := o.at(path)
	list, ok := v.([]any)
	if v != nil && !ok {
		o.wrong(path)
	}
	return len(list) > 0
}

// truthy is what providers that are not sure of their types mean with a boolean.
func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case string:
		b, err := strconv.ParseBool(v)
		return err == nil && b
	case json.Number:
		n, err := v.Float64()
		return err == nil && n != 0
	}
	return false
}
