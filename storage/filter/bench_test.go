package filter_test

import (
	"testing"

	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/filter"
)

func execute(w *world, script string) error { return sqlitex.ExecuteScript(w.conn, script, nil) }

const typicalRule = "@request.auth.id != '' && (author = @request.auth.fav || views > 5) && title ~ 'alp'"

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := filter.Parse(typicalRule); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	w := newRuleWorld(b)
	req := w.member(b, "m1", true)
	e, err := filter.Parse(typicalRule)
	if err != nil {
		b.Fatal(err)
	}
	posts := w.cat.Find("posts")
	b.ReportAllocs()
	for b.Loop() {
		builder := filter.NewBuilder(w.cat, posts, req)
		if err := builder.Where(e, filter.Rule); err != nil {
			b.Fatal(err)
		}
		builder.Build()
	}
}

func BenchmarkShape(b *testing.B) {
	w := newRuleWorld(b)
	req := w.member(b, "m1", true)
	e, err := filter.Parse(typicalRule)
	if err != nil {
		b.Fatal(err)
	}
	var buf [64]byte
	b.ReportAllocs()
	for b.Loop() {
		filter.Shape(buf[:0], e, req)
	}
}

func BenchmarkBindAndStep(b *testing.B) {
	w := newRuleWorld(b)
	req := w.member(b, "m1", true)
	q, err := w.compile(question{base: "posts", rule: typicalRule}, req)
	if err != nil {
		b.Fatal(err)
	}
	stmt, _, err := w.conn.PrepareTransient("SELECT 1 FROM " + q.From + " WHERE " + q.Where + " AND posts.id = ?")
	if err != nil {
		b.Fatal(err)
	}
	defer stmt.Finalize()
	b.ReportAllocs()
	for b.Loop() {
		next, err := q.Bind(stmt, 1, req, nil)
		if err != nil {
			b.Fatal(err)
		}
		stmt.BindText(next, "A")
		if found, err := stmt.Step(); err != nil || !found {
			b.Fatal(found, err)
		}
		if err := stmt.Reset(); err != nil {
			b.Fatal(err)
		}
	}
}
