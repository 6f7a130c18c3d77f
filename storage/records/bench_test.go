package records_test

import (
	"fmt"
	"testing"

	"github.com/troupebase/troupe/storage/records"
)

// benchRig has ten thousand posts of a hundred users.
func benchRig(b *testing.B) *rig {
	g := newRig(b)
	g.define(`{"type":"base","name":"posts","listRule":"","viewRule":"","fields":[{"type":"text","name":"title"},{"type":"number","name":"n"},
		{"type":"relation","name":"by","maxSelect":1,"collectionId":"_pb_users_auth_"},{"type":"autodate","name":"created","onCreate":true}]}`)
	g.exec("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) INSERT INTO users (id, email, tokenKey, password, name) " +
		"SELECT printf('%015d', i), 'u' || i || '@x.test', 'k' || i, 'h', 'User ' || i FROM n")
	g.exec("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999) INSERT INTO posts (id, title, n, by, created) " +
		"SELECT printf('%015d', i), 'Title of post ' || i, i, printf('%015d', i % 100), '2024-01-01 00:00:00.000Z' FROM n")
	return g
}

func BenchmarkList(b *testing.B) {
	g := benchRig(b)
	for _, tt := range []struct {
		name, expand string
		enriched     []string
	}{
		{"plain", "", nil}, {"expand", "by", nil}, {"enriched", "", []string{"posts"}}, {"enrichedExpand", "by", []string{"posts", "users"}},
	} {
		b.Run(tt.name, func(b *testing.B) {
			g.enrich(tt.enriched...)
			in := g.input("posts", nil)
			list := &records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 30, Expand: tt.expand}
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if dst, _, err = g.store.List(b.Context(), dst[:0], list); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkView(b *testing.B) {
	g := benchRig(b)
	in := g.input("posts", nil)
	view := &records.ViewInput{CollectionID: in.CollectionID, ID: fmt.Sprintf("%015d", 5000), Caller: in.Caller}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if dst, err = g.store.View(b.Context(), dst[:0], view); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCreate(b *testing.B) {
	g := benchRig(b)
	body := map[string]any{"title": "Title", "n": 1.0, "by": fmt.Sprintf("%015d", 1)}
	b.ReportAllocs()
	for b.Loop() {
		g.create("posts", body)
	}
}
