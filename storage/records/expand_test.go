package records_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
)

// A hidden relation leads only those anywhere who may see it: forwards, backwards, to several collections, in the middle of
// a path, and where everything is expanded.
func TestHiddenRelationsLeadNowhere(t *testing.T) {
	for _, all := range []bool{false, true} {
		g := newRig(t, `{"type":"base","name":"people","viewRule":"","listRule":"","fields":[{"type":"text","name":"nick"}]}`)
		g.open(records.Options{ExpandAll: all})
		id := g.catalogue.Load().Find("people").ID
		g.define(fmt.Sprintf(`{"type":"base","name":"reports","viewRule":"","listRule":"","fields":[
			{"type":"relation","name":"by","maxSelect":1,"collectionId":%[1]q,"hidden":true},
			{"type":"relation","name":"all","maxSelect":9,"collectionIds":[%[1]q],"hidden":true},
			{"type":"relation","name":"seen","maxSelect":1,"collectionId":%[1]q}]}`, id))
		g.create("people", map[string]any{"id": ann, "nick": "ann"})
		g.create("reports", map[string]any{"id": bob, "by": ann, "all": []any{id + ":" + ann}, "seen": ann})
		guest := records.Caller{Request: &filter.Request{Context: "default", Now: time.Now()}}
		root := guest
		root.Superuser = true
		for _, x := range []struct{ collection, id, expand, key string }{
			{"reports", bob, "by", "by"}, {"reports", bob, "all", "all"}, {"reports", bob, "all@people", "all"}, {"people", ann, "reports_via_by", "reports_via_by"},
			{"people", ann, "reports(by)", "reports(by)"}, {"reports", bob, "by.reports_via_seen", "by"},
		} {
			if got := g.view(x.collection, x.id, guest, x.expand).Expand; got[x.key] != nil {
				t.Errorf("expand all %v: expand=%s shows a guest %s", all, x.expand, got)
			}
			if got := g.view(x.collection, x.id, root, x.expand).Expand; got[x.key] == nil {
				t.Errorf("expand all %v: expand=%s shows a superuser %s", all, x.expand, got)
			}
		}
		if got := g.view("reports", bob, guest, "seen.reports_via_by").Expand; !all && got != nil {
			t.Errorf("a hidden relation in the middle of a path shows %s", got)
		}
		if got := g.view("reports", bob, guest, "seen,by").Expand; got["seen"] == nil {
			t.Errorf("a hidden relation takes another along: %s", got)
		}
	}
}

// What cannot be expanded is left out silently, a path as a whole.
func TestExpandPaths(t *testing.T) {
	g := newRig(t, `{"type":"base","name":"tags","viewRule":"name != 'secret'","fields":[{"type":"text","name":"name"}]}`,
		`{"type":"base","name":"vault","fields":[{"type":"text","name":"name"}]}`)
	cat := g.catalogue.Load()
	g.define(fmt.Sprintf(`{"type":"base","name":"notes","viewRule":"","listRule":"","fields":[
		{"type":"relation","name":"tag","maxSelect":1,"collectionId":%q},{"type":"relation","name":"tags","maxSelect":3,"collectionId":%q},
		{"type":"relation","name":"safe","maxSelect":1,"collectionId":%q}]}`, cat.Find("tags").ID, cat.Find("tags").ID, cat.Find("vault").ID))
	const open, secret = "openopenopenope", "secretsecretsec"
	g.create("tags", map[string]any{"id": open, "name": "open"})
	g.create("tags", map[string]any{"id": secret, "name": "secret"})
	g.create("vault", map[string]any{"id": open})
	g.create("notes", map[string]any{"id": ann, "tag": open, "tags": []any{secret, open}, "safe": open})
	g.create("notes", map[string]any{"id": bob, "tag": secret})
	guest := records.Caller{Request: &filter.Request{Context: "default", Now: time.Now()}}
	for expand, want := range map[string][]string{
		"tag":                    {"tag"},
		"tag,tags":               {"tag", "tags"},
		" tag , ":                {"tag"},
		"nothing":                nil,
		"nothing,tag":            {"tag"},
		"tag.nothing":            nil,
		"tag.nothing,tags":       {"tags"},
		"safe":                   nil, // its view rule is null
		"tag.notes_via_tag":      {"tag"},
		"tag.notes_via_tag.safe": nil,
		"tag.notes(tag)":         {"tag"},
		"tags_via_name":          nil,
	} {
		got := slices.Sorted(maps.Keys(g.view("notes", ann, guest, expand).Expand))
		if !slices.Equal(got, want) {
			t.Errorf("expand %q has %v, want %v", expand, got, want)
		}
	}
	if got := g.view("notes", bob, guest, "tag").Expand; got == nil || len(got) != 0 {
		t.Errorf("a hidden record leaves %v, want an empty expand", got)
	}
	tags := decoded[[]shown](t, g.view("notes", ann, guest, "tags").Expand["tags"])
	if len(tags) != 1 || tags[0].ID != open {
		t.Errorf("tags %v, want the one that is not hidden", tags)
	}
	back := decoded[[]shown](t, g.view("tags", open, guest, "notes_via_tag").Expand["notes_via_tag"])
	if len(back) != 1 || back[0].ID != ann {
		t.Errorf("back relation %v, want %s", back, ann)
	}
	back = decoded[[]shown](t, g.view("tags", open, guest, "notes_via_tags").Expand["notes_via_tags"])
	if len(back) != 1 || back[0].ID != ann {
		t.Errorf("back relation by a list %v, want %s", back, ann)
	}
}
