package schema

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// defaultMaxJSON is the bound in bytes of a value whose field sets none.
const defaultMaxJSON = 1 << 20

// JSONField holds any JSON.
type JSONField struct {
	Common
	// MaxSize bounds the JSON text in bytes, 0 stands for 1 MiB.
	MaxSize  int64 `json:"maxSize"`
	Required bool  `json:"required"`
}

// Type returns "json".
func (f *JSONField) Type() string { return "json" }

// Clone returns a deep copy.
func (f *JSONField) Clone() Field {
	c := *f
	return &c
}

// Kind returns KindJSON.
func (f *JSONField) Kind() Kind { return KindJSON }

// Role returns RolePlain.
func (f *JSONField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *JSONField) CanBeMultiple() bool { return false }

// BodyBytes returns the largest size of what the field holds.
func (f *JSONField) BodyBytes() int64 { return f.Limit() }

// Text returns the JSON.
func (f *JSONField) Text(v Value) string { return string(f.AppendValue(nil, v)) }

// Column returns the definition of the column, see [Field].
func (f *JSONField) Column() string { return `JSON DEFAULT NULL` }

// Multiple returns false.
func (f *JSONField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *JSONField) Zero() Value { return JSON(nil) }

// Limit returns the largest size of a value in bytes.
func (f *JSONField) Limit() int64 {
	if f.MaxSize <= 0 {
		return defaultMaxJSON
	}
	return f.MaxSize
}

// Cast encodes raw with sorted object keys. A text that is itself JSON is taken as that JSON, as it was typed; every
// other text becomes a JSON string.
func (f *JSONField) Cast(raw any) Value {
	switch v := raw.(type) {
	case nil:
		return JSON(nil)
	case JSON:
		return v
	case string:
		if isJSONText([]byte(v)) {
			return JSON(v)
		}
		return plainJSONString(v)
	}
	text, err := json.Marshal(raw)
	if err != nil {
		return JSON("!") // no JSON, for Validate to refuse
	}
	return JSON(text)
}

// plainJSONString is a text as JSON in the stored form, which leaves <, > and & as they are.
func plainJSONString(s string) JSON {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return JSON(AppendJSONString(nil, s)) // a text always encodes
	}
	return JSON(bytes.TrimRight(b.Bytes(), "\n"))
}

// isJSONText tells whether a text stands for JSON rather than for itself. A text that begins with a blank does not.
func isJSONText(s []byte) bool {
	if len(s) == 0 {
		return false
	}
	switch c := s[0]; {
	case c == 't' || c == 'f' || c == 'n':
		return string(s) == "true" || string(s) == "false" || string(s) == "null"
	case c >= '0' && c <= '9', c == '-', c == '"', c == '[', c == '{':
		return json.Valid(s)
	}
	return false
}

// Validate checks the size and that a required value says something.
func (f *JSONField) Validate(v Value, _ Operation) error {
	text, _ := v.(JSON)
	if text == nil {
		text = JSON("null")
	}
	if limit := f.Limit(); int64(len(text)) > limit {
		return validation.New("validation_json_size_limit",
			fmt.Sprintf("The maximum allowed JSON size is %d bytes.", limit)).With(map[string]any{"maxSize": limit})
	}
	if !json.Valid(text) || endless(text) {
		return validation.New("validation_invalid_json", "Must be a valid json value.")
	}
	if f.Required {
		switch string(bytes.TrimSpace(text)) {
		case "null", `""`, "[]", "{}":
			return validation.Required
		}
	}
	return nil
}

// endless tells whether a JSON text is a number beyond all that can be stored: SQLite would make infinity of it.
func endless(text JSON) bool {
	number := bytes.TrimSpace(text)
	if len(number) == 0 || number[0] != '-' && (number[0] < '0' || number[0] > '9') {
		return false
	}
	_, err := strconv.ParseFloat(string(number), 64)
	return err != nil
}

// ValidateOptions checks the settings.
func (f *JSONField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	errs.Set("maxSize", within(f.MaxSize, 0, maxSafeInt))
	return errs
}

// Scan reads the column: SQLite keeps numbers as numbers, a text that is no JSON is a JSON string.
func (f *JSONField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	switch stmt.ColumnType(col) {
	case sqlite.TypeInteger:
		return JSON(strconv.AppendInt(nil, stmt.ColumnInt64(col), 10)), nil
	case sqlite.TypeFloat:
		return JSON(appendJSONNumber(nil, stmt.ColumnFloat(col))), nil
	case sqlite.TypeText, sqlite.TypeBlob:
		text := appendRaw(nil, stmt, col)
		if isJSONText(text) {
			return JSON(text), nil
		}
		return JSON(AppendJSONString(nil, text)), nil
	}
	return JSON(nil), nil
}

// Bind binds the text; the affinity of the column makes numbers of numbers.
func (f *JSONField) Bind(stmt *sqlite.Stmt, param int, v Value) {
	text, _ := v.(JSON)
	if text == nil {
		stmt.BindNull(param)
		return
	}
	stmt.BindText(param, string(text))
}

// AppendColumn appends the value without blanks between its tokens.
func (f *JSONField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	switch stmt.ColumnType(col) {
	case sqlite.TypeInteger:
		return strconv.AppendInt(dst, stmt.ColumnInt64(col), 10), nil
	case sqlite.TypeFloat:
		return appendJSONNumber(dst, stmt.ColumnFloat(col)), nil
	case sqlite.TypeText, sqlite.TypeBlob:
		start := len(dst)
		dst = appendRaw(dst, stmt, col)
		if raw := dst[start:]; isJSONText(raw) {
			return appendCompactJSON(dst[:start], raw), nil
		}
		return escapeTail(dst, start), nil
	}
	return append(dst, "null"...), nil
}

// AppendValue appends the value without blanks between its tokens; what is no JSON is null.
func (f *JSONField) AppendValue(dst []byte, v Value) []byte {
	text, _ := v.(JSON)
	if text == nil || !json.Valid(text) {
		return append(dst, "null"...)
	}
	return appendCompactJSON(dst, text)
}
