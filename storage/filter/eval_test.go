package filter_test

import (
	"os"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// decidedExamples is how many of the recorded examples need no database; fewer would be a loss.
const decidedExamples = 300

// all reads the records of a collection in the order of their ids.
func (w *world) all(t testing.TB, c *schema.Collection) [][]schema.Value {
	t.Helper()
	columns := make([]string, len(c.Fields))
	for i, f := range c.Fields {
		columns[i] = "`" + f.Base().Name + "`"
	}
	stmt, _, err := w.conn.PrepareTransient("SELECT " + strings.Join(columns, ", ") + " FROM `" + c.Name + "` ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Finalize()
	var records [][]schema.Value
	for {
		more, err := stmt.Step()
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return records
		}
		values := make([]schema.Value, len(c.Fields))
		for i, f := range c.Fields {
			if values[i], err = f.Scan(stmt, i); err != nil {
				t.Fatal(err)
			}
		}
		records = append(records, values)
	}
}

func TestEvalOfExamples(t *testing.T) {
	w := newWorld(t)
	posts := w.cat.Find("posts")
	records := w.all(t, posts)
	raw, err := os.ReadFile("testdata/examples.tsv")
	if err != nil {
		t.Fatal(err)
	}
	decidedAll := 0
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		expression, want, found := strings.Cut(line, "\t")
		if !found {
			continue
		}
		expression = marks.Replace(expression)
		if m := guestMark.FindStringSubmatch(want); m != nil {
			want = m[1]
		}
		e, err := filter.Parse(expression)
		if err != nil {
			continue
		}
		req := w.request(expression, filter.Superuser)
		var rows []string
		complete := true
		for _, values := range records {
			met, decided := filter.Eval(e, posts, values, req)
			letter := values[posts.FieldIndex("t")].(string)
			if met && decided {
				rows = append(rows, letter)
			}
			complete = complete && decided
			expected := want == "all" || want != "none" && strings.Contains(want, letter)
			if decided && (want == "400" || met != expected) {
				t.Errorf("%s of %s: decided as %v, want %s", expression, letter, met, want)
			}
		}
		if !complete {
			continue
		}
		decidedAll++
		if got := outcome(rows, nil); got != want {
			t.Errorf("%s\n got %s\nwant %s", expression, got, want)
		}
	}
	t.Logf("%d examples decided", decidedAll)
	if decidedAll < decidedExamples {
		t.Errorf("only %d examples were decided, want at least %d", decidedAll, decidedExamples)
	}
}

// What needs the database, or is wrong, is left to it.
func TestEvalLeavesToSQL(t *testing.T) {
	w := newRuleWorld(t)
	rc := w.cat.Find("rc")
	values := w.all(t, rc)[0]
	for _, rule := range []string{"r.name = 'ann'", "rm.id ?= 'ann'", "@collection.tags.name ?= 'go'", "notes_via_by.id = ''", "missing = 1", "title.x = 1", "title:what = 1",
		"title:lower:lower = 'a'", "@request.foo = 1", "@request.auth = null", "@request.auth.fav.name = 'ann'", "@request.auth.roles:each ?= 'r1'", "@request.body.r.name = 'ann'",
		"@request.body.title:each = 1", "@request.query.q:changed = true", "strftime('%Y', d) = '2024'", "geoDistance(1, 2, 3, 4) < 5", "title = 'old' || r.name = 'x'", "sm.id = 1",
		"true.x = 1", "null:lower = ''", "@NOW = 1"} {
		e, err := filter.Parse(rule)
		if err != nil {
			continue
		}
		if met, decided := filter.Eval(e, rc, values, w.member(t, "m1", false)); decided {
			t.Errorf("%s: decided as %v", rule, met)
		}
	}
	view := w.cat.Find("pv")
	e, err := filter.Parse("1 = 1")
	if err != nil {
		t.Fatal(err)
	}
	if _, decided := filter.Eval(e, view, make([]schema.Value, len(view.Fields)), &filter.Request{}); decided {
		t.Error("a row of a view was decided")
	}
}

// ownRecord is the rule that most collections have.
const ownRecord = "@request.auth.id != '' && owner = @request.auth.id"

func ownedRecord(t testing.TB) (*filter.Expr, *schema.Collection, []schema.Value, *filter.Request) {
	t.Helper()
	members := collection(t, "members", field(t, "email", "email"))
	members.Type = schema.Auth
	notes := collection(t, "notes", field(t, "text", "title"), relation(t, "owner", "members", "1"))
	schema.NewCatalogue(1, []*schema.Collection{members, notes})
	e, err := filter.Parse(ownRecord)
	if err != nil {
		t.Fatal(err)
	}
	return e, notes, []schema.Value{"n1", "a note", "m1"}, &filter.Request{Auth: &filter.Identity{Collection: members, ID: "m1"}}
}

func TestEvalDoesNotAllocate(t *testing.T) {
	e, c, values, req := ownedRecord(t)
	if n := testing.AllocsPerRun(100, func() { filter.Eval(e, c, values, req) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEval(b *testing.B) {
	e, c, values, req := ownedRecord(b)
	b.ReportAllocs()
	for b.Loop() {
		if met, decided := filter.Eval(e, c, values, req); !met || !decided {
			b.Fatal(met, decided)
		}
	}
}
