package schema_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

func TestOriginOfAViewsColumn(t *testing.T) {
	file := func(name string) schema.Field {
		return &schema.FileField{Common: schema.Common{ID: "f_" + name, Name: name}}
	}
	text := func(name string) schema.Field {
		return &schema.TextField{Common: schema.Common{ID: "t_" + name, Name: name}}
	}
	docs := &schema.Collection{ID: "docs_id", Name: "docs", Type: schema.Base, Fields: []schema.Field{text("id"), text("title"), file("pic")}}
	cats := &schema.Collection{ID: "cats_id", Name: "cats", Type: schema.Base, Fields: []schema.Field{text("id"), file("photo")}}
	view := func(name, query string, fields ...schema.Field) *schema.Collection {
		return &schema.Collection{ID: name + "_id", Name: name, Type: schema.View, ViewQuery: query, Fields: append([]schema.Field{text("id")}, fields...)}
	}
	list := []*schema.Collection{docs, cats,
		view("plain", "select id, pic from docs", file("pic")),
		view("renamed", "SELECT d.id AS id, d.`pic` as image FROM docs d;", file("image")),
		view("numbered", "select (row_number() over()) as id, pic from docs", file("pic")),
		view("joined", "select cats.id, docs.pic from cats left join docs on docs.title = cats.id", file("pic")),
		view("self", "select a.id, b.pic from docs a join docs b on b.title = a.id", file("pic")),
		view("computed", "select id, max(pic) as pic from docs", text("pic")),
		view("over1", "select id, image as shown from renamed", file("shown")),
		view("over2", "select id, shown from over1", file("shown")),
		view("over3", "select id, shown from over2", file("shown")),
		view("over4", "select id, shown from over3", file("shown")),
		view("over5", "select id, shown from over4", file("shown")),
		view("overnumbered", "select id, pic from numbered", file("pic")),
		view("circle", "select id, pic from circle", file("pic")),
		view("broken", "select id, (pic from docs", file("pic")),
	}
	cat := schema.NewCatalogue(1, list)
	for _, test := range []struct {
		view, field, collection, of string
		sameID                      bool
	}{
		{"plain", "pic", "docs", "pic", true},
		{"renamed", "image", "docs", "pic", true},
		{"numbered", "pic", "docs", "pic", false},
		{"joined", "pic", "docs", "pic", false},
		{"self", "pic", "docs", "pic", false},
		{"computed", "pic", "", "", false},
		{"over1", "shown", "docs", "pic", true},
		{"over4", "shown", "docs", "pic", true},
		{"over5", "shown", "", "", false},
		{"overnumbered", "pic", "docs", "pic", false},
		{"circle", "pic", "", "", false},
		{"broken", "pic", "", "", false},
		{"plain", "nope", "", "", false},
	} {
		got, ok := cat.Origin(cat.Find(test.view), test.field)
		if !ok || test.collection == "" {
			if ok != (test.collection != "") {
				t.Errorf("%s.%s: found is %v", test.view, test.field, ok)
			}
			continue
		}
		if got.Collection.Name != test.collection || got.Field.Base().Name != test.of || got.SameID != test.sameID {
			t.Errorf("%s.%s: %s.%s, same id %v", test.view, test.field, got.Collection.Name, got.Field.Base().Name, got.SameID)
		}
	}
}
