package filter_test

import (
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

func textField(name string) schema.Field {
	return &schema.TextField{Common: schema.Common{ID: "text_" + name, Name: name}}
}

func TestCheckTexts(t *testing.T) {
	users := &schema.Collection{ID: "pbc_users", Name: "users", Type: schema.Auth, Fields: []schema.Field{textField("id")}}
	other := &schema.Collection{ID: "pbc_o", Name: "o", Type: schema.Base, Fields: []schema.Field{textField("id"),
		&schema.RelationField{Common: schema.Common{Name: "u"}, CollectionID: "pbc_users", MaxSelect: 1}}}
	c := &schema.Collection{ID: "pbc_c", Name: "c", Type: schema.Base, Fields: []schema.Field{textField("id"), textField("t")}}
	cat := schema.NewCatalogue(1, []*schema.Collection{users, other, c})
	for _, x := range []struct{ rule, want string }{
		{"t = 1", ""},
		{"@request.auth.whatever.else != 1", ""},
		{"@request.body.whatever = @request.query.x", ""},
		{" ", "empty filter expression"},
		{"// only", "empty filter expression"},
		{"()", "empty filter expression"},
		{"t", "invalid or incomplete filter expression"},
		{"t=", "invalid or incomplete filter expression"},
		{"t=1 && ", "invalid or incomplete filter expression"},
		{"=t", `expected left operand (identifier, function, text or number), got "=" (sign)`},
		{"t==1", `invalid sign operator "=="`},
		{"(t=1", "invalid formatted group - missing 1 closing bracket(s)"},
		{"t=1)", "unexpected character ')'"},
		{"t=1;", "unexpected character ';'"},
		{"t='a", `invalid quoted text "'a"`},
		{"t=1 /", "invalid comment"},
		{"t=1 /* a */", "invalid comment"},
		{"t=1 and n=2", `expected && or ||, got "and" (identifier)`},
		{`t in ("a")`, `expected a sign operator, got "in" (identifier)`},
		{"zz=1", `invalid left operand "zz" - unknown field "zz"`},
		{"1=zz", `invalid right operand "zz" - unknown field "zz"`},
		{"t.x=1", `invalid left operand "t.x" - field "t" is not a valid relation`},
		{"@collection.zzz.id=1", `invalid left operand "@collection.zzz.id" - failed to load collection "zzz" from field path "@collection.zzz.id"`},
		{"@foo=1", `invalid left operand "@foo" - failed to resolve field "@foo"`},
		{"t:excerpt=1", `invalid left operand "t:excerpt" - unknown modifier in "t:excerpt"`},
		{"foo()=1", `invalid left operand "foo" - unknown function "foo"`},
		{"geoDistance(1,2,3)=1", `invalid left operand "geoDistance" - [geoDistance] expected 4 arguments, got 3`},
		{"users_via_x.id=1", `invalid left operand "users_via_x.id" - missing back relation field "x"`},
		{"o_via_u.id=1", `invalid left operand "o_via_u.id" - invalid collection reference of a back relation field "u"`},
		{strings.Repeat("t=1||", filter.MaxComparisons) + "t=1", "max filter expressions limit reached"},
	} {
		got := ""
		if err := filter.Check(cat, c, x.rule); err != nil {
			got = err.Error()
		}
		if got != x.want {
			t.Errorf("%.60s\n got %s\nwant %s", x.rule, got, x.want)
		}
	}
}

// Plain comparisons must stay plain, so that an index can serve them.
func TestSQLStaysPlain(t *testing.T) {
	c := &schema.Collection{ID: "pbc_c", Name: "c", Type: schema.Base, Fields: []schema.Field{textField("id"), textField("owner"), textField("title"), &schema.NumberField{Common: schema.Common{Name: "n"}}}}
	users := &schema.Collection{ID: "pbc_users", Name: "users", Type: schema.Auth, Fields: []schema.Field{textField("id")}}
	cat := schema.NewCatalogue(1, []*schema.Collection{c, users})
	req := &filter.Request{Auth: &filter.Identity{Collection: users, ID: "u1"}}
	for _, x := range []struct{ rule, want string }{
		{"@request.auth.id != '' && owner = @request.auth.id", "(? != '' AND `c`.`owner` = ?)"},
		{"n > 10 && title ~ 'tit'", "(`c`.`n` > ? AND `c`.`title` LIKE +? ESCAPE '\\')"},
		{"(((title = '')))", "`c`.`title` = ''"},
		{"owner = title", "`c`.`owner` = `c`.`title`"},
	} {
		e, err := filter.Parse(x.rule)
		if err != nil {
			t.Fatal(err)
		}
		b := filter.NewBuilder(cat, c, req)
		if err := b.Where(e, filter.Rule); err != nil {
			t.Fatal(err)
		}
		q := b.Build()
		if q.Where != x.want || q.From != "`c`" || q.Distinct {
			t.Errorf("%s\n got %s from %s\nwant %s", x.rule, q.Where, q.From, x.want)
		}
	}
}
