package filter_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/filter"
)

type body = map[string]any

var (
	oneUpload  = filter.Upload{Name: "a_x1.png", OriginalName: "a.png", Size: 5}
	twoUploads = []filter.Upload{oneUpload, {Name: "b_x2.png", OriginalName: "b.png", Size: 7}}
)

// createRuleCases are rules, bodies, and whether a record may be created of them.
var createRuleCases = []struct {
	rule string
	body body
	want bool
}{

	{"title = 'a'", body{"title": "a"}, true},
	{"title = 'a'", body{"title": "b"}, false},
	{"title = 'a'", nil, false},
	{"title = 10", body{"title": "10"}, false},
	{"title = ''", nil, true},
	{"n = 6", body{"n": 6.0}, true},
	{"n = '6'", body{"n": 6.0}, false},
	{"n != '6'", body{"n": 6.0}, false},
	{"n > '5'", body{"n": 6.0}, false},
	{"n > '7'", body{"n": 6.0}, false},
	{"n < '5'", body{"n": 6.0}, false},
	{"n = @request.body.n", body{"n": 6.0}, true},
	{"n = @request.body.x", body{"n": 6.0, "x": "6"}, false},
	{"title ~ n", body{"n": 6.0, "title": "a6"}, false},
	{"n ~ '6'", body{"n": 6.0}, true},
	{"n = ''", nil, false},
	{"n = 0 && b = false", nil, true},
	{"b = true", body{"b": true}, true},
	{"b = '1'", body{"b": true}, false},
	{"b = 'true'", body{"b": true}, false},
	{"n = title", body{"n": 6.0, "title": "6"}, false},
	{"d > '2024-01-01'", body{"d": "2024-05-05 00:00:00.000Z"}, true},
	{"d > 2024", body{"d": "2024-05-05 00:00:00.000Z"}, false},
	{"title = 10", body{"title": "10.0"}, false},
	{"title != 10", body{"title": "10.0"}, false},
	{"d = ''", body{"d": "nonsense"}, true},
	{"j = null", nil, true},
	{"j.a = 1", body{"j": body{"a": 1.0}}, true},
	{"j = 5", body{"j": 5.0}, true},
	{"j = '5'", body{"j": "x5"}, false},
	{"j = 'text'", body{"j": "text"}, true},
	{"g.lon = 2", body{"g": body{"lon": 2.0, "lat": 3.0}}, true},
	{"sm = '[]'", nil, true},
	{"sm:length = 2 && sm:each != 'z'", body{"sm": []any{"x", "y"}}, true},
	{"sm:each = 'x'", body{"sm": []any{"x", "y"}}, false},
	{"sm:each ?= 'y'", body{"sm": []any{"x", "y"}}, true},
	{"@request.body.title:isset = true", body{"title": ""}, true},
	{"@request.body.title:isset = true", body{"title": nil}, true},
	{"@request.body.title:isset = true", nil, false},
	{"@request.body.title:isset = false", body{"title": "a"}, false},
	{"@request.body.title:isset = false", nil, true},
	{"@request.body.title:lower = 'abc'", body{"title": "ABC"}, true},
	{"@request.body.title:lower = 'abc'", nil, false},
	{"@request.body.title:lower = ''", nil, true},
	{"@request.body.title:changed = true", body{"title": "ABC"}, false},
	{"@request.body.title:changed = true", nil, false},
	{"@request.body.n:changed = true", body{"n": 5.0}, false},
	{"@request.body.sm:changed = true", body{"sm": []any{"x", "R&D"}}, false},
	{"@request.body.j:changed = true", body{"j": body{"b": "<&>", "a": []any{1.0}}}, false},
	{"@request.body.g:changed = true", body{"g": body{"lon": 2.5, "lat": 3.0}}, false},
	{"@request.body.unknown = 'q'", body{"unknown": "q"}, true},
	{"@request.body.unknown = 'q'", body{"unknown": 5.0}, false},
	{"@request.body.unknown = 'q'", nil, false},
	{"@request.body.unknown.a.b = 1", body{"unknown": body{"a": body{"b": 1.0}}}, true},
	{"@request.body.unknown.a.b = 1", body{"unknown": body{"a": body{"b": "1"}}}, false},
	{"@request.body.unknown.1.k = 'v'", body{"unknown": []any{1.0, body{"k": "v"}}}, true},
	{"@request.body.unknown.9.k = null", body{"unknown": []any{1.0}}, true},
	{`@request.body.unknown = '{"a":[1]}'`, body{"unknown": body{"a": []any{1.0}}}, true},
	{"@request.body.n > 5", body{"n": 6.0}, true},
	{"@request.body.n > 5", body{"n": "6"}, true},
	{"@request.body.n > 5", body{"n": 5.0}, false},
	{"@request.body.n > 5", nil, false},
	{"@request.body.b = true", body{"b": "true"}, true},
	{"@request.body.b = true", body{"b": false}, false},
	{"@request.body.b = true", nil, false},
	{"@request.body.sm:length = 2", body{"sm": []any{"x", "y"}}, true},
	{"@request.body.sm:length = 2", body{"sm": "x"}, false},
	{"@request.body.sm:length = 0", nil, true},
	{"@request.body.s:length = 1", body{"s": ""}, true},
	{"'2' ~ @request.body.sm:length", body{"sm": []any{"x", "y"}}, true},
	{"@request.body.sm:each = 'x'", body{"sm": []any{"x"}}, true},
	{"@request.body.sm:each = 'x'", body{"sm": []any{"x", "y"}}, false},
	{"@request.body.sm:each = 'x'", nil, false},
	{"@request.body.sm:each ?= ''", nil, false},
	{"@request.body.sm:each ?= null", body{"sm": []any{}}, false},
	{"@request.body.sm:each != ''", nil, false},
	{"@request.body.sm:each != 'x'", nil, true},
	{"@request.body.sm:each ?= @request.auth.id", body{"sm": nil}, false},
	{"sm:each ?= @request.body.sm:each", body{"sm": []any{}}, false},
	{"@request.body.rm:each ?= r", nil, false},
	{"@request.body.rm:each ?= r.name", nil, false},
	{"@request.body.rm:each ?= j.a", nil, false},
	{"s != @request.body.title:isset", body{"s": "x"}, false},
	{"s != @request.body.title:isset", body{"s": "x", "title": "a"}, true},
	{"s != @request.body.title:isset", body{"s": "", "title": "a"}, true},
	{"@request.body.title:isset != @request.body.s:isset", body{"s": ""}, true},
	{"j = @request.body.title:isset", body{"j": 5.0, "title": "a"}, false},
	{"j != @request.body.title:isset", body{"j": 5.0, "title": "a"}, false},
	{"@request.body.j = ''", nil, true},
	{"@request.body.j = ''", body{"j": nil}, false},
	{"@request.body.j = ''", body{"j": ""}, false},
	{"@request.body.j != ''", body{"j": nil}, false},
	{"@request.body.j = null", body{"j": nil}, false},
	{"@request.body.x = null", body{"x": nil}, true},
	{"title ~ @request.body.b", body{"b": true, "title": "a1"}, false},
	{"title ~ @request.body.b", body{"b": true, "title": "true"}, false},
	{"title !~ @request.body.b", body{"b": true, "title": "a"}, true},
	{"@request.body.sm:each ?= 'x'", body{"sm": []any{"x", "y"}}, true},
	{"@request.body.sm:each ?= 'x'", body{"sm": []any{"y"}}, false},
	{"@request.body.s:each = 'x'", body{"s": "x"}, true},
	{"@request.body.j.a = 1", body{"j": body{"a": 1.0}}, true},
	{"@request.body.j.a.b = 1", body{"j": body{"a": body{"b": 1.0}}}, true},
	{"@request.body.j.a.b = 1", body{"j": body{"a": 1.0}}, false},
	{"@request.body.j.l.1 = 8", body{"j": body{"l": []any{7.0, 8.0}}}, true},
	{"@request.body.j.a = 1", body{"j": `{"a":1}`}, true},
	{"@request.body.j.a = 1", nil, false},
	{"@request.body.g.lon > 1", body{"g": body{"lon": 2.0, "lat": 3.0}}, true},
	{"@request.body.g.lon > 1", body{"g": body{"lon": 1.0}}, false},
	{"@request.body.r.name = 'ann'", body{"r": "ann"}, true},
	{"@request.body.r.name = 'ann'", body{"r": "bob"}, false},
	{"@request.body.r.name = 'ann'", body{"r": "missing"}, false},
	{"@request.body.r.name = 'ann'", nil, false},
	{"@request.body.r.name = null", body{"r": "missing"}, true},
	{"@request.body.r.name = null", nil, true},
	{"@request.body.r.age > 26 && @request.body.r.name = 'ann'", body{"r": "ann"}, true},
	{"@request.body.rm.name ?= 'ann'", body{"rm": []any{"ann", "bob"}}, true},
	{"@request.body.rm.name = 'ann'", body{"rm": []any{"ann", "bob"}}, false},
	{"@request.body.rm.name ?= 'ann'", body{"rm": []any{"bob"}}, false},
	{"@request.body.rm.posts_via_author.title ?= 'Alpha'", body{"rm": []any{"ann", "bob"}}, true},
	{"r.name = 'ann'", body{"r": "ann"}, true},
	{"r.name = 'ann'", body{"r": "bob"}, false},
	{"r.name = 'ann'", nil, false},
	{"rm.name = 'ann'", body{"rm": []any{"ann", "bob"}}, false},
	{"rm.name = 'ann'", body{"rm": []any{"ann"}}, true},
	{"rm.name ?= 'ann'", body{"rm": []any{"ann", "bob"}}, true},
	{"ag = '' && created = '' && id != ''", nil, true},
	{"ag = '' && created = '' && id != ''", body{"ag": "zzzzz"}, false},
	{"@collection.rc.title ?= @request.body.title", body{"title": "new"}, false},
	{"@collection.rc.title ?= @request.body.title", body{"title": "old"}, true},
	{"f = 'a_x1.png'", body{"f": oneUpload}, true},
	{"f:length = 1 && fm:length = 2", body{"f": oneUpload, "fm": twoUploads}, true},
	{"@request.body.f.size < 6 && @request.body.f.name = 'a_x1.png' && @request.body.f.originalName = 'a.png'", body{"f": oneUpload}, true},
	{"@request.body.f.size < 6", nil, false},
	{"@request.body.fm.1.size = 7", body{"fm": twoUploads}, true},
	{"@request.body.fm:length = 2", body{"fm": twoUploads}, true},
	{"@request.body.fm:each ~ '.png'", body{"fm": twoUploads}, true},
	{"@request.method = 'POST'", nil, true},
}

func TestCreateRules(t *testing.T) {
	w := newRuleWorld(t)
	rc := w.cat.Find("rc")
	for _, x := range createRuleCases {
		req := submit(rc, x.body)
		got, err := w.ask(question{base: "rc", key: "id", rule: x.rule, values: created(rc, req), created: true}, req)
		if err != nil || len(got) > 0 != x.want {
			t.Errorf("%s with %v\n got %v %v\nwant %v", x.rule, x.body, got, err, x.want)
		}
	}
}
