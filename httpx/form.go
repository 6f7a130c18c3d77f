package httpx

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// formValues are the fields of a form in the order in which they were sent.
type formValues map[string][]string

// parse adds the pairs of an urlencoded body. A pair that is not well encoded spoils the body.
func (f formValues) parse(raw []byte) error {
	for len(raw) > 0 {
		key, value, rest, ok := nextPair(raw)
		if !ok {
			if raw[0] == '&' {
				raw = rest
				continue
			}
			return fmt.Errorf("read form: %w: a pair is not well encoded", ErrMalformed)
		}
		raw = rest
		k, _ := unescape(key, true)
		v, _ := unescape(value, true)
		f[k] = append(f[k], v)
	}
	return nil
}

// infer makes a record's body: single values by what they look like, repeated ones as lists, JSON payloads over all.
func (f formValues) infer() (map[string]any, error) {
	m := make(map[string]any, len(f))
	for name, values := range f {
		if name == payloadKey {
			continue
		}
		if len(values) == 1 {
			m[name] = inferValue(values[0])
			continue
		}
		list := make([]any, len(values))
		for i, v := range values {
			list[i] = inferValue(v)
		}
		m[name] = list
	}
	for _, payload := range f[payloadKey] {
		if err := json.Unmarshal([]byte(payload), &m); err != nil {
			return nil, fmt.Errorf("read %s: %w: %w", payloadKey, ErrMalformed, err)
		}
	}
	if m == nil {
		m = map[string]any{}
	}
	return m, nil
}

// inferValue turns "true" and "false" into booleans and the shortest decimal form of a number into a number.
func inferValue(s string) any {
	switch s {
	case "true":
		return true
	case "false":
		return false
	case "":
		return ""
	}
	if c := s[0]; c == '-' || '0' <= c && c <= '9' {
		n, err := strconv.ParseFloat(s, 64)
		if err == nil && !math.IsInf(n, 0) && strconv.FormatFloat(n, 'f', -1, 64) == s {
			return n
		}
	}
	return s
}

// decode fills a struct by its json tags. Names that it does not have are ignored.
func (f formValues) decode(dst any) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("read form: %T is no pointer to a struct", dst)
	}
	if m, ok := dst.(*map[string]any); ok {
		values, err := f.infer()
		*m = values
		return err
	}
	if v.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("read form: %w: %T has no fields", ErrMalformed, dst)
	}
	if err := f.fill(v.Elem(), "", 0); err != nil {
		return fmt.Errorf("read form: %w: %w", ErrMalformed, err)
	}
	for _, payload := range f[payloadKey] {
		if err := json.Unmarshal([]byte(payload), dst); err != nil {
			return fmt.Errorf("read %s: %w: %w", payloadKey, ErrMalformed, err)
		}
	}
	return nil
}

// maxFormDepth bounds how deep structs within structs are filled; a form type that refers to itself ends there.
const maxFormDepth = 8

func (f formValues) fill(v reflect.Value, prefix string, depth int) error {
	t := v.Type()
	for i := range t.NumField() {
		field := t.Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" {
			continue
		}
		if field.Anonymous && name == "" && field.Type.Kind() == reflect.Struct {
			if err := f.fill(v.Field(i), prefix, depth); err != nil {
				return err
			}
			continue
		}
		if name == "" {
			name = field.Name
		}
		if err := f.set(v.Field(i), prefix+name, depth); err != nil {
			return fmt.Errorf("%s: %w", prefix+name, err)
		}
	}
	return nil
}

// named returns what was sent under a name, written in any case as keys of JSON may be; the very name comes first.
func (f formValues) named(name string) []string {
	if values, ok := f[name]; ok {
		return values
	}
	found := ""
	for k := range f {
		if strings.EqualFold(k, name) && (found == "" || k < found) {
			found = k
		}
	}
	return f[found]
}

// has tells whether some name is name itself or lies below it.
func (f formValues) has(name string) bool {
	if _, ok := f[name]; ok {
		return true
	}
	for k := range f {
		if len(k) >= len(name) && strings.EqualFold(k[:len(name)], name) && (len(k) == len(name) || k[len(name)] == '.') {
			return true
		}
	}
	return false
}

func (f formValues) set(v reflect.Value, name string, depth int) error {
	if !f.has(name) || depth > maxFormDepth {
		return nil
	}
	values := f.named(name)
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		if len(values) == 0 {
			return nil
		}
		return u.UnmarshalText([]byte(values[0]))
	}
	if u, ok := v.Addr().Interface().(json.Unmarshaler); ok {
		if len(values) == 0 {
			return nil
		}
		text, err := json.Marshal(inferValue(values[0]))
		if err != nil {
			return err
		}
		return u.UnmarshalJSON(text)
	}
	switch v.Kind() {
	case reflect.Struct:
		return f.fill(v, name+".", depth+1)
	case reflect.Pointer:
		target := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			target.Elem().Set(v.Elem())
		}
		if err := f.set(target.Elem(), name, depth); err != nil {
			return err
		}
		v.Set(target)
		return nil
	case reflect.Slice:
		return setList(v, values)
	case reflect.Map:
		return f.setMap(v, name)
	}
	if len(values) == 0 {
		return nil
	}
	return setScalar(v, values[0])
}

func setList(v reflect.Value, values []string) error {
	if len(values) == 0 {
		return nil
	}
	list := reflect.MakeSlice(v.Type(), len(values), len(values))
	for i, s := range values {
		if err := setScalar(list.Index(i), s); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}

func (f formValues) setMap(v reflect.Value, name string) error {
	t := v.Type()
	if t.Key().Kind() != reflect.String {
		return nil
	}
	m := reflect.MakeMap(t)
	for k, values := range f {
		if len(k) <= len(name) || !strings.EqualFold(k[:len(name)], name) || k[len(name)] != '.' || len(values) == 0 {
			continue
		}
		key := k[len(name)+1:]
		element := reflect.New(t.Elem()).Elem()
		if err := setScalar(element, values[0]); err != nil {
			return err
		}
		m.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), element)
	}
	v.Set(m)
	return nil
}

// setScalar parses a text into v; the empty text is the zero value.
func setScalar(v reflect.Value, s string) error {
	if s == "" && v.Kind() != reflect.Interface {
		v.SetZero()
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if err != nil {
			return err
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(s, 0, v.Type().Bits())
		if err != nil {
			return err
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(s, 0, v.Type().Bits())
		if err != nil {
			return err
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(s, v.Type().Bits())
		if err != nil {
			return err
		}
		v.SetFloat(n)
	case reflect.Interface:
		if v.NumMethod() == 0 {
			v.Set(reflect.ValueOf(inferValue(s)))
		}
	}
	return nil
}
