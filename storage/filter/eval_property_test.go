package filter_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// evalPairs is how many pairs of a record and an expression are tried; TROUPE_EVAL_PAIRS sets another number.
const (
	evalPairs      = 40000
	evalPairsShort = 5000
	rowsPerSchema  = 20
	filtersOfWorld = 100
)

var someTexts = []string{"", "a", "A", "ab", "aB%", "10", "10.0", "-5.5", " 10", "1e3", "5.", "x_y", `back\slash`, `\%`, "é", "É", "true", "null", "[]", `["a"]`, `{"a":1}`,
	"2024-01-15 10:00:00.000Z", "9007199254740993", "0", "1", "m1", "+1", ".5", "0.5", "ÿ", "a\nb", "<&>", `"`}
var someNumbers = []float64{0, 1, -1, 10, -5.5, 0.1, 1e15, 1e20, 9007199254740992, -9223372036854775808, 1.0 / 3, 1e-7, 2024, 5}
var someJSON = []string{`null`, `true`, `false`, `5`, `5.0`, `-0`, `1e3`, `1.5`, `"a"`, `"10"`, `""`, `{"a":1,"b":{"c":"deep"}}`, `{"a": [1, "two", {"k":"v"}] , "n":null}`,
	`[1,2.50,"x"]`, `[]`, `{}`, `"\u00e9\n"`, `{"a":"A","a":2}`, `{"\u0061":1}`, `12345678901234567890`, ` 5 `, `{"a":10.0,"b":"<&>"}`, `[[1],[2,{"a":"b"}]]`, `"\ud83d\ude00"`}
var someFields = [][]string{{"text"}, {"email"}, {"url"}, {"editor"}, {"date"}, {"autodate"}, {"password"}, {"number"}, {"number"}, {"bool"}, {"json"}, {"json"}, {"geoPoint"},
	{"select", `"values":["a"]`, `"maxSelect":1`}, {"select", `"values":["a"]`, `"maxSelect":5`}, {"file", `"maxSelect":3`}, {"file", `"maxSelect":1`},
	{"relation", `"collectionId":"pbc_base"`, `"maxSelect":1`}, {"relation", `"collectionId":"pbc_base"`, `"maxSelect":4`}}

// TestEveryTypeIsTried holds that records of all types are judged both ways.
func TestEveryTypeIsTried(t *testing.T) {
	for _, typ := range schema.FieldTypes() {
		if !slices.ContainsFunc(someFields, func(f []string) bool { return f[0] == typ }) {
			t.Errorf("no field of type %s is among those that are tried", typ)
		}
	}
}

type chance struct{ *rand.Rand }

func one[T any](c chance, list []T) T { return list[c.IntN(len(list))] }

func (c chance) value(f schema.Field) schema.Value {
	switch f.Kind() {
	case schema.KindNumber:
		if c.IntN(4) == 0 {
			return float64(c.IntN(20)) / 4
		}
		return one(c, someNumbers)
	case schema.KindBool:
		return c.IntN(2) == 0
	case schema.KindJSON:
		if c.IntN(6) == 0 {
			return schema.JSON(nil)
		}
		return schema.JSON(one(c, someJSON))
	case schema.KindObject:
		return one(c, []schema.GeoPoint{{}, {Lon: 23.32, Lat: 42.69}, {Lon: -0.5, Lat: 1e-7}, {Lon: 10}})
	case schema.KindList:
		list := make([]string, c.IntN(4))
		for i := range list {
			list[i] = one(c, someTexts)
		}
		return list
	}
	if f.Role() == schema.RoleSecret {
		return schema.Password{Hash: one(c, someTexts)}
	}
	return one(c, someTexts)
}

// evalWorld is a random collection with records, and a member who may be signed in.
type evalWorld struct {
	*world
	chance
	base    *schema.Collection
	member  *schema.Collection
	records [][]schema.Value
}

func (c chance) fields(t testing.TB) []schema.Field {
	var list []schema.Field
	for i := range 5 + c.IntN(5) {
		kind := one(c, someFields)
		list = append(list, field(t, kind[0], "f"+strconv.Itoa(i), kind[1:]...))
	}
	return list
}

func newEvalWorld(t testing.TB, seed uint64) *evalWorld {
	c := chance{rand.New(rand.NewPCG(seed, 1))}
	base := collection(t, "base", c.fields(t)...)
	member := collection(t, "member", append(c.fields(t), field(t, "email", "email"), field(t, "bool", "verified"), field(t, "bool", "emailVisibility"))...)
	member.Type = schema.Auth
	w := &evalWorld{world: openWorld(t, []*schema.Collection{base, member}, ""), chance: c, base: base, member: member}
	for i := range rowsPerSchema {
		w.records = append(w.records, w.insert(t, base, fmt.Sprintf("r%02d", i)))
	}
	return w
}

func (w *evalWorld) insert(t testing.TB, c *schema.Collection, id string) []schema.Value {
	t.Helper()
	values := make([]schema.Value, len(c.Fields))
	for i, f := range c.Fields {
		values[i] = w.value(f)
	}
	values[0] = id
	w.store(t, c, values)
	return values
}

// store inserts a record.
func (w *world) store(t testing.TB, c *schema.Collection, values []schema.Value) {
	t.Helper()
	stmt, _, err := w.conn.PrepareTransient("INSERT INTO `" + c.Name + "` VALUES (?" + strings.Repeat(",?", len(values)-1) + ")")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Finalize()
	for i, f := range c.Fields {
		f.Bind(stmt, i+1, values[i])
	}
	if _, err := stmt.Step(); err != nil {
		t.Fatal(err)
	}
}

// request makes a request, of a guest or of a new member whose values are at hand or not.
func (w *evalWorld) request(t testing.TB, n int) *filter.Request {
	texts := map[string]string{"q": one(w.chance, someTexts), "f1": one(w.chance, someTexts), "e": ""}
	req := &filter.Request{Context: "default", Method: "GET", Source: snapshot(texts, texts), Now: time.Date(2024, 1, 15, 10, 0, 0, 0, time.UTC),
		Body: map[string]any{"x": one(w.chance, []any{nil, "a", 10.0, true, []any{"a", 1.5}, map[string]any{"a": "b"}})}}
	for _, f := range w.base.Fields[1:] {
		switch w.IntN(5) {
		case 0, 1:
			req.Body[f.Base().Name] = w.value(f)
		case 2:
			req.Body[f.Base().Name] = one(w.chance, w.records)[w.base.FieldIndex(f.Base().Name)]
		case 3:
			if w.IntN(4) == 0 {
				req.Body[f.Base().Name] = nil
			}
		}
	}
	if w.IntN(4) == 0 {
		return req
	}
	id := fmt.Sprintf("m%d", n)
	values := w.insert(t, w.member, id)
	of := func(name string) (schema.Value, bool) {
		if i := w.member.FieldIndex(name); i >= 0 {
			return values[i], true
		}
		return nil, false
	}
	email, _ := of("email")
	verified, _ := of("verified")
	visible, _ := of("emailVisibility")
	req.Auth = &filter.Identity{Collection: w.member, ID: id, Email: email.(string), Verified: verified.(bool), EmailVisibility: visible.(bool)}
	if w.IntN(3) > 0 {
		req.Auth.Value = of
	}
	return req
}

func (w *evalWorld) operand() string {
	modifier := one(w.chance, []string{"", "", "", "", "", ":lower", ":length", ":each", ":each", ":isset", ":changed"})
	name := one(w.chance, w.base.Fields).Base().Name
	path := one(w.chance, []string{".a", ".b.c", ".0", ".lon", ".a.2.k", ".n", ".id", ".1.1.a"})
	switch w.IntN(16) {
	case 0, 1, 2, 3, 4:
		return name + modifier
	case 5:
		return name + path
	case 6, 7:
		return "@request.body." + name + modifier
	case 8:
		return one(w.chance, []string{"@request.body.x", "@request.body." + name + path, "@request.query.q", "@request.query.f1", "@request.headers.q:lower", "@request.query.e", "@request.query.none", "@request.query.q:isset", "@request.method", "@request.context"})
	case 9:
		return "@request.auth." + one(w.chance, w.member.Fields).Base().Name + one(w.chance, []string{"", "", "", ":lower", ":isset", ":length"})
	case 10:
		return one(w.chance, []string{"@request.auth.id", "@request.auth.collectionName", "@request.auth.none", "@now", "@year", "@todayStart", "@weekday"})
	case 11:
		return one(w.chance, []string{"null", "true", "false", "''", "TRUE"})
	case 12:
		return strings.TrimPrefix(strconv.FormatFloat(one(w.chance, someNumbers), 'f', -1, 64), "+")
	}
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(one(w.chance, someTexts)) + "'"
}

func (w *evalWorld) expression(depth int) string {
	var b strings.Builder
	for i := range 1 + w.IntN(3)/2 + w.IntN(2) {
		if i > 0 {
			b.WriteString(one(w.chance, []string{" && ", " || "}))
		}
		if depth > 0 && w.IntN(5) == 0 {
			b.WriteString("(" + w.expression(depth-1) + ")")
			continue
		}
		sign := one(w.chance, []string{"=", "=", "!=", "~", "!~", "<", "<=", ">", ">="})
		b.WriteString(w.operand() + " " + one(w.chance, []string{"", "", "?"}) + sign + " " + w.operand())
	}
	return b.String()
}

func pairs(t testing.TB) int {
	if s := os.Getenv("TROUPE_EVAL_PAIRS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if testing.Short() {
		return evalPairsShort
	}
	return evalPairs
}

// Whatever Eval decides must be what SQLite says, about stored records and about records to be created.
func TestEvalAgreesWithSQL(t *testing.T) {
	wanted := pairs(t)
	first := uint64(1)
	if wanted > evalPairs {
		first = uint64(time.Now().UnixNano())
	}
	var sum tally
	for seed := first; sum.tried < wanted && sum.wrong < 20; seed++ {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { newEvalWorld(t, seed).compare(t, &sum) })
	}
	t.Logf("%d pairs, %d decided, %d of them met, %d wrong", sum.tried, sum.decided, sum.met, sum.wrong)
	if sum.decided < sum.tried/2 || sum.met < sum.decided/10 {
		t.Errorf("too few pairs say something: %+v", sum)
	}
}

// tally counts pairs of a record and an expression.
type tally struct{ tried, decided, met, wrong int }

// compare throws random expressions at Eval and at SQLite.
func (w *evalWorld) compare(t *testing.T, sum *tally) {
	for n := range filtersOfWorld {
		text, req := w.expression(2), w.request(t, n)
		e, err := filter.Parse(text)
		if err != nil {
			t.Fatal(text, err)
		}
		check := func(values []schema.Value, found bool, err error) {
			sum.tried++
			met, decided := filter.Eval(e, w.base, values, req)
			if !decided {
				return
			}
			sum.decided++
			if met {
				sum.met++
			}
			if err != nil || met != found {
				sum.wrong++
				t.Errorf("%s\nEval %v, SQL %v %v\nrecord %s\nbody %s", text, met, found, err, show(values), show(req.Body))
			}
		}
		rows, err := w.ask(question{base: "base", key: "id", rule: text}, req)
		for _, values := range w.records {
			check(values, slices.Contains(rows, values[0].(string)), err)
		}
		values := one(w.chance, w.records)
		rows, err = w.ask(question{base: "base", key: "id", rule: text, values: values}, req)
		check(values, len(rows) > 0, err)
	}
}

func show(v any) string {
	switch v := v.(type) {
	case []schema.Value:
		parts := make([]string, len(v))
		for i, x := range v {
			parts[i] = show(x)
		}
		return strings.Join(parts, " | ")
	case schema.JSON:
		return "json " + string(v)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprintf("%#v", v)
}

// Numbers that are none never reach a column as such.
func TestEvalOfOddValues(t *testing.T) {
	c := collection(t, "c", field(t, "number", "n"), field(t, "text", "s"))
	e, err := filter.Parse("n = 0")
	if err != nil {
		t.Fatal(err)
	}
	for _, values := range [][]schema.Value{nil, {"id"}, {"id", math.NaN(), ""}, {"id", "text", ""}, {"id", nil, ""}} {
		if met, decided := filter.Eval(e, c, values, &filter.Request{}); decided {
			t.Errorf("%v: decided as %v", values, met)
		}
	}
}
