package schema

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/validation"
)

// defaultIDPattern is the pattern of ids; a field with another one has more checks.
const defaultIDPattern = `^[a-z0-9]+$`

// defaultMaxText is the bound of a text whose field sets none.
const defaultMaxText = 5000

// TextField holds a text. A collection's id is the text field with PrimaryKey.
type TextField struct {
	Common
	// Min and Max bound the number of code points; Min 0 is no bound, Max 0 stands for 5000.
	Min int `json:"min"`
	Max int `json:"max"`
	// Pattern is a RE2 expression that a value must match, "" for none.
	Pattern string `json:"pattern"`
	// AutogeneratePattern is a RE2 expression that values are generated from, "" for none.
	AutogeneratePattern string `json:"autogeneratePattern"`
	Required            bool   `json:"required"`
	PrimaryKey          bool   `json:"primaryKey"`

	pattern      patternCache
	autogenerate atomic.Pointer[generator]
}

// UsualID tells whether the field has the pattern that ids have unless somebody chose another one. Letters of such ids do not
// differ in case.
func (f *TextField) UsualID() bool { return f.Pattern == defaultIDPattern }

// Type returns "text".
func (f *TextField) Type() string { return "text" }

// Clone returns a deep copy. What was compiled of the settings stays behind.
func (f *TextField) Clone() Field {
	return &TextField{Common: f.Common, Min: f.Min, Max: f.Max, Pattern: f.Pattern,
		AutogeneratePattern: f.AutogeneratePattern, Required: f.Required, PrimaryKey: f.PrimaryKey}
}

// Kind returns KindText.
func (f *TextField) Kind() Kind { return KindText }

// Role returns RolePlain.
func (f *TextField) Role() Role { return RolePlain }

// CanBeMultiple returns false.
func (f *TextField) CanBeMultiple() bool { return false }

// BodyBytes returns 0: values are small.
func (f *TextField) BodyBytes() int64 { return 0 }

// Text returns the text.
func (f *TextField) Text(v Value) string { return stringText(v) }

// Column returns the definition of the column, see [Field].
func (f *TextField) Column() string {
	if f.PrimaryKey {
		return "TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL"
	}
	return textColumn
}

// Multiple returns false.
func (f *TextField) Multiple() bool { return false }

// Zero returns the value of a field that was never set.
func (f *TextField) Zero() Value { return "" }

// Cast returns raw as text.
func (f *TextField) Cast(raw any) Value { return castText(raw) }

// Scan returns the column as text.
func (f *TextField) Scan(stmt *sqlite.Stmt, col int) (Value, error) {
	return columnText(stmt, col), nil
}

// Bind binds the text.
func (f *TextField) Bind(stmt *sqlite.Stmt, param int, v Value) { bindText(stmt, param, v) }

// AppendColumn appends the column as a JSON string.
func (f *TextField) AppendColumn(dst []byte, stmt *sqlite.Stmt, col int) ([]byte, error) {
	return appendTextColumn(dst, stmt, col), nil
}

// AppendValue appends v as a JSON string.
func (f *TextField) AppendValue(dst []byte, v Value) []byte { return appendText(dst, v) }

// Validate checks the text. The id of an existing record is not looked at, because it cannot change.
func (f *TextField) Validate(v Value, op Operation) error {
	s, _ := v.(string)
	if f.PrimaryKey && op == Update {
		return nil
	}
	if s == "" {
		if f.Required {
			return validation.Required
		}
		return nil
	}
	if err := checkTextLength(s, f.Min, f.Max); err != nil {
		return err
	}
	if f.Pattern != "" && !f.pattern.match(f.Pattern, s) {
		return errFormat
	}
	if f.PrimaryKey && !f.UsualID() {
		return checkCustomID(s)
	}
	return nil
}

var errFormat = validation.New("validation_invalid_format", "Invalid value format.")

func checkTextLength(s string, min, max int) error {
	n := utf8.RuneCountInString(s)
	if n < min {
		return validation.New("validation_min_text_constraint", fmt.Sprintf("Must be at least %d character(s).", min)).
			With(map[string]any{"min": min})
	}
	if max == 0 {
		max = defaultMaxText
	}
	if n > max {
		return validation.New("validation_max_text_constraint", fmt.Sprintf("Must be no more than %d character(s).", max)).
			With(map[string]any{"max": max})
	}
	return nil
}

// forbiddenIDCharacters would make an id unusable in a path, a file name or a filter. The first of them in this order
// is the one that is reported.
var forbiddenIDCharacters = []string{
	".", "/", "\\", "|", `"`, "'", "`", "<", ">", ":", "?", "*", "%", "$", "\x00", "\t", "\n", "\r", " ",
}

// checkCustomID checks an id that a pattern of the user let through.
func checkCustomID(id string) error {
	for _, ch := range forbiddenIDCharacters {
		if strings.Contains(id, ch) {
			return validation.New("validation_forbidden_pk_character",
				fmt.Sprintf("'%s' is not a valid primary key character.", ch)).With(map[string]any{"ch": ch})
		}
	}
	if name := strings.ToUpper(id); isDeviceName(name) {
		return validation.New("validation_reserved_pk",
			fmt.Sprintf("The primary key '%s' is reserved and cannot be used.", name)).With(map[string]any{"reserved": name})
	}
	return nil
}

// isDeviceName tells whether Windows keeps that name, in upper case, for a device.
func isDeviceName(name string) bool {
	switch name {
	case "CON", "PRN", "AUX", "NUL":
		return true
	}
	return len(name) == 4 && (name[:3] == "COM" || name[:3] == "LPT") && name[3] >= '1' && name[3] <= '9'
}

// ValidateOptions checks the settings. It draws samples from AutogeneratePattern, so that a pattern that rarely fails
// may pass.
func (f *TextField) ValidateOptions(ctx context.Context, in *OptionsInput) validation.Errors {
	errs := validateCommon(f)
	errs.Set("min", within(int64(f.Min), 0, maxSafeInt))
	errs.Set("max", within(int64(f.Max), int64(f.Min), maxSafeInt))
	if f.Pattern == "" && f.PrimaryKey {
		errs.Set("pattern", validation.Required)
	} else {
		errs.Set("pattern", checkRegexp(f.Pattern))
	}
	if f.PrimaryKey {
		f.validateKey(in, errs)
	}
	errs.Set("autogeneratePattern", f.checkAutogenerate())
	return errs
}

func (f *TextField) validateKey(in *OptionsInput, errs validation.Errors) {
	if f.Name != "id" && errs["name"] == nil {
		errs.Set("name", validation.New(errIn.Code, `The primary key must be named "id".`))
	}
	if !f.Required {
		errs.Set("required", validation.Required)
	}
	for _, other := range in.Collection.Fields {
		if t, ok := other.(*TextField); ok && t.PrimaryKey && t != f && t.Base().ID != f.ID {
			errs.Set("primaryKey", validation.New("validation_unsupported_composite_pk",
				"Composite PKs are not supported and the collection must have only 1 PK."))
		}
	}
}

// autogenerateSamples is how many values are drawn to see whether a pattern makes valid ones.
const autogenerateSamples = 10

func (f *TextField) checkAutogenerate() error {
	if f.AutogeneratePattern == "" {
		return nil
	}
	if err := checkRegexp(f.AutogeneratePattern); err != nil {
		return err
	}
	g, err := newGenerator(f.AutogeneratePattern)
	if err != nil {
		return validation.New("validation_invalid_autogenerate_pattern", err.Error())
	}
	if checkRegexp(f.Pattern) != nil {
		return nil // reported at the pattern
	}
	for range autogenerateSamples {
		sample := g.generate()
		if f.Validate(sample, Create) != nil {
			return validation.New("validation_invalid_autogenerate_pattern_value",
				fmt.Sprintf("The provided autogenerate pattern could produce invalid field values, ex.: %q.", sample))
		}
	}
	return nil
}

// Generate implements [Generator] with AutogeneratePattern.
func (f *TextField) Generate() (Value, bool) {
	g := f.generator()
	if g == nil {
		return nil, false
	}
	return g.generate(), true
}

// Modify implements [Modifier] with autogenerate: the text given, then a generated one.
func (f *TextField) Modify(_ Value, m Modification, raw any) (Value, bool) {
	if m != Autogenerate {
		return nil, false
	}
	s := castText(raw)
	if g := f.generator(); g != nil {
		s += g.generate()
	}
	return s, true
}

// generator returns nil when there is no pattern, or none that can be generated from.
func (f *TextField) generator() *generator {
	if f.AutogeneratePattern == "" {
		return nil
	}
	if g := f.autogenerate.Load(); g != nil && g.pattern == f.AutogeneratePattern {
		return g
	}
	g, err := newGenerator(f.AutogeneratePattern)
	if err != nil {
		return nil
	}
	f.autogenerate.Store(g)
	return g
}

// patternCache keeps a compiled expression beside its text. The zero value is empty; it is safe for concurrent use.
type patternCache struct {
	compiled atomic.Pointer[compiledPattern]
}

type compiledPattern struct {
	text   string
	regexp *regexp.Regexp
}

// match tells whether s matches pattern; an expression that does not compile matches nothing.
func (c *patternCache) match(pattern, s string) bool {
	p := c.compiled.Load()
	if p == nil || p.text != pattern {
		p = &compiledPattern{text: pattern}
		p.regexp, _ = regexp.Compile(pattern)
		c.compiled.Store(p)
	}
	return p.regexp != nil && p.regexp.MatchString(s)
}
