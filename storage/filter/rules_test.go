package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
)

// whole makes a word of a list result: the ids without blanks, "none", or the status of the refusal.
func whole(rows []string, err error) string {
	var wrong *filter.Error
	switch {
	case errors.Is(err, filter.ErrCollectionFilter), errors.Is(err, filter.ErrRequestFilter):
		return "403"
	case errors.As(err, &wrong):
		return "400"
	case err != nil:
		return err.Error()
	case len(rows) == 0:
		return "none"
	}
	return strings.Join(rows, "")
}

func TestRequestValues(t *testing.T) {
	w := newRuleWorld(t)
	for _, x := range []struct{ rule, want string }{
		{"@request.context = 'default'", "ABCDE"},
		{"@request.method = 'GET'", "ABCDE"},
		{"@request.method = 'get'", "none"},
		{"@request.method ~ 'get'", "ABCDE"},
		{"@request.headers.x_foo = 'Bar'", "ABCDE"},
		{"@request.headers.X_Foo = 'Bar'", "none"},
		{"@request.headers.x_foo:isset = true", "ABCDE"},
		{"@request.headers.x_foo:lower = 'bar'", "ABCDE"},
		{"@request.headers.missing:lower = null", "ABCDE"},
		{"@request.headers.content_type = null", "ABCDE"},
		{"@request.query.q = '1'", "ABCDE"},
		{"@request.query.q = 1", "none"},
		{"@request.query.q > 0", "ABCDE"},
		{"@request.query.q:isset = true", "ABCDE"},
		{"@request.query.zz:isset = false", "ABCDE"},
		{"@request.query.zz = ''", "ABCDE"},
		{"@request.query.zz != ''", "none"},
		{"@request.query.zz ~ 'a'", "none"},
		{"@request.query.e = ''", "ABCDE"},
		{"@request.query.e:isset = true", "ABCDE"},
		{"title = @request.query.t", "A"},
		{"title = @request.query.zz", "E"},
		{"title != @request.query.zz", "ABCD"},
		{"title ~ @request.query.t", "A"},
		{"title ~ @request.query.wild", "A"},
		{"views = @request.query.v", "AE"},
		{"views > @request.query.v", "D"},
		{"@request.query.views = 10", "ABCDE"},
		{"@request.query.views = '10'", "none"},
		{"@request.body.x = null", "ABCDE"},
		{"@request.body.x:isset = false", "ABCDE"},
		{"'true' ~ @request.body.x:isset", "none"},
		{"'10' ~ @request.query.q:isset", "ABCDE"},
		{"@now = '2026-03-01 12:00:00.000Z'", "ABCDE"},
		{"@yesterday = '2026-02-28 12:00:00.000Z' && @tomorrow = '2026-03-02 12:00:00.000Z'", "ABCDE"},
		{"@monthEnd = '2026-03-31 23:59:59.999Z' && @yearEnd = '2026-12-31 23:59:59.999Z'", "ABCDE"},
		{"@weekday = 0 && @month = 3 && @hour = 12", "ABCDE"},
		{"@request.headers.x_foo:length = 3", "400"},
		{"@request.headers.x_foo:changed = true", "400"},
		{"@request.body.x:each = 1", "400"},
		{"@request.body.title:each = 1", "400"},
		{"@request.body.x:changed = true", "400"},
		{"@request.query:isset = true", "400"},
		{"@request.query.q:lower:lower = '1'", "400"},
		{"@request.foo = 1", "400"},
		{"@request.auth = null", "400"},
		{"@request.auth.id:changed = true", "400"},
	} {
		if got := whole(w.ask(question{base: "posts", key: "id", rule: x.rule, order: "id"}, w.member(t, "", false))); got != x.want {
			t.Errorf("%s\n got %s\nwant %s", x.rule, got, x.want)
		}
	}
}

// Answers for a guest, for m1 and for m2.
func TestAuthValues(t *testing.T) {
	w := newRuleWorld(t)
	const all, none = "ABCDE", "none"
	for _, x := range []struct{ rule, guest, m1, m2 string }{
		{"@request.auth.id != ''", none, all, all},
		{"@request.auth.id = ''", all, none, none},
		{"@request.auth.email = 'm1@example.com'", none, all, none},
		{"@request.auth.verified = true", none, all, none},
		{"@request.auth.emailVisibility = true", none, none, all},
		{"@request.auth.collectionName = 'members' && @request.auth.collectionId = 'pbc_members'", none, all, all},
		{"@request.auth.nick != 'Mia'", all, none, all},
		{"@request.auth.nick = ''", all, none, all},
		{"@request.auth.nick:lower = 'mia'", none, all, none},
		{"@request.auth.level >= 0", none, all, all},
		{"@request.auth.vip = false", none, none, all},
		{"'1' ~ @request.auth.verified", none, none, none},
		{"'true' ~ @request.auth.verified", none, none, none},
		{"'0' ~ @request.auth.emailVisibility", none, none, none},
		{"'1' ~ @request.auth.vip", none, all, none},
		{"title ~ @request.auth.verified", none, none, none},
		{"@request.auth.missing = ''", all, all, all},
		{"@request.auth.missing.more = null", all, all, all},
		{"@request.auth.boss = 'x' && @request.auth.password != ''", none, all, none},
		{"@request.auth.roles:each ?= 'r1'", none, all, none},
		{"@request.auth.roles:each = 'r1'", none, none, none},
		{"@request.auth.roles:length = 0", none, none, all},
		{"@request.auth.roles:length = 2", none, all, none},
		{"@request.auth.roles ~ 'r2'", none, all, none},
		{"@request.auth.roles = ''", all, none, none},
		{"@request.auth.prefs = null", all, none, all},
		{"@request.auth.prefs = ''", all, none, none},
		{"@request.auth.prefs.a.b = 2", none, all, none},
		{"@request.auth.prefs.list.1 = 8", none, all, none},
		{"@request.auth.fav = author", "B", "AD", "B"},
		{"@request.auth.fav = author.id", "B", "AD", "B"},
		{"@request.auth.fav.name = author.name", "B", "AD", "B"},
		{"@request.auth.posts.id ?= id", none, "AD", none},
		{"@request.auth.posts.id = id", none, none, none},
		{"@request.auth.posts:each ?= id", none, "AD", none},
		{"@request.auth.posts.title ?= 'Alpha'", none, all, none},
		{"@request.auth.fav.posts_via_author.id ?= id", none, "AD", none},
		{"@collection.members.id ?= @request.auth.id && @collection.members.level ?> 3", none, all, none},
		{"@collection.posts.id ?= id && @request.auth.posts.id ?= id", none, "AD", none},
	} {
		for who, want := range map[string]string{"": x.guest, "m1": x.m1, "m2": x.m2} {
			for _, values := range []bool{false, true} {
				if got := whole(w.ask(question{base: "posts", key: "id", rule: x.rule, order: "id"}, w.member(t, who, values))); got != want {
					t.Errorf("%q, values at hand: %v: %s\n got %s\nwant %s", who, values, x.rule, got, want)
				}
			}
		}
	}
}

// Whether the values of the signed-in record are at hand or read by the query must make no difference.
func TestAuthValuesAtHandOrNot(t *testing.T) {
	w := newRuleWorld(t)
	fields := []string{"id", "email", "nick", "level", "vip", "roles", "prefs", "prefs.a", "born", "fav", "posts", "boss", "missing", "nick:lower", "roles:length", "roles:each"}
	others := []string{"title", "views", "author", "author.name", "tags", "tags.name", "tags.rank", "''", "null", "10", "'10'", "true"}
	for _, who := range []string{"", "m1", "m2", "m3"} {
		without, with := w.member(t, who, false), w.member(t, who, true)
		for _, f := range fields {
			for _, o := range others {
				for _, op := range []string{"=", "!=", "~", "!~", "<", ">=", "?=", "?!="} {
					for _, rule := range []string{"@request.auth." + f + " " + op + " " + o, o + " " + op + " @request.auth." + f} {
						q := question{base: "posts", key: "id", rule: rule, order: "id"}
						row, hand := whole(w.ask(q, without)), whole(w.ask(q, with))
						if row != hand {
							t.Errorf("%q: %s\nread by the query: %s\nat hand:           %s", who, rule, row, hand)
						}
					}
				}
			}
		}
	}
}

func TestUpdateRules(t *testing.T) {
	w := newRuleWorld(t)
	rc := w.cat.Find("rc")
	for _, x := range []struct {
		rule string
		body body
		want bool
	}{
		{"title = 'old'", body{"title": "new"}, true},
		{"title = 'new'", body{"title": "new"}, false},
		{"@request.body.title:changed = true", body{"title": "old"}, false},
		{"@request.body.title:changed = true", body{"title": ""}, true},
		{"@request.body.title:changed = true", nil, false},
		{"@request.body.title:changed = true", body{"title": "new"}, true},
		{"@request.body.title:changed = false", body{"title": "old"}, true},
		{"@request.body.title:changed = false", nil, true},
		{"@request.body.title:changed = false", body{"title": "new"}, false},
		{"@request.body.title:changed != true", nil, true},
		{"@request.body.title:changed > 0", body{"title": "new"}, true},
		{"@request.body.n:changed = false", body{"n": "5"}, true},
		{"@request.body.n:changed = false", body{"n": 6.0}, false},
		{"@request.body.sm:changed = false", body{"sm": []any{"x", "R&D"}}, true},
		{"@request.body.sm:changed = false", body{"sm": []any{"R&D", "x"}}, false},
		{"@request.body.j:changed = false", body{"j": `{"z":1,"a":"<&>"}`}, true},
		{"@request.body.j:changed = false", body{"j": body{"a": 2.0}}, false},
		{"@request.body.j:changed = false", body{"j": nil}, false},
		{"@request.body.g:changed = false", body{"g": body{"lon": 1.0, "lat": 2.0}}, true},
		{"@request.body.g:changed = false", body{"g": body{"lon": 1.0, "lat": 2.5}}, false},
		{"@request.body.d:changed = false", body{"d": "2024-01-01"}, true},
		{"@request.body.d:changed = false", body{"d": nil}, false},
		{"@request.body.r:changed = false && @request.body.b:changed = false", body{"r": "ann", "b": 1.0}, true},
		{"@request.body.r:changed = false && @request.body.b:changed = false", body{"r": "bob"}, false},
		{"@request.body.r:changed = false && @request.body.b:changed = false", body{"b": false}, false},
		{"@request.body.r.name = 'bob'", body{"r": "ann"}, false},
		{"@request.body.r.name = 'bob'", nil, false},
		{"@request.body.r.name = 'bob'", body{"r": "bob"}, true},
		{"@request.body.rm:length < rm:length", body{"rm": []any{"ann"}}, true},
		{"@request.body.rm:length < rm:length", body{"rm": []any{"ann", "bob"}}, false},
		{"@request.body.n > n", body{"n": 4.0}, false},
		{"@request.body.n > n", nil, false},
		{"@request.body.n > n", body{"n": 6.0}, true},
		{"@request.body.title:isset = false || @request.body.title = title", nil, true},
		{"@request.body.title:isset = false || @request.body.title = title", body{"title": "old"}, true},
		{"@request.body.title:isset = false || @request.body.title = title", body{"title": "zz"}, false},
		{"@request.body.rm:each = rm:each", body{"rm": []any{"ann"}}, false},
		{"@request.body.rm:each ?= rm:each", body{"rm": []any{"bob"}}, true},
		{"h = 'hid'", nil, true},
		{"title:isset = 'old' && title:changed = 'old'", nil, true},
	} {
		got, err := w.ask(question{base: "rc", key: "id", rule: x.rule}, submit(rc, x.body))
		if err != nil || len(got) > 0 != x.want {
			t.Errorf("%s with %v\n got %v %v\nwant %v", x.rule, x.body, got, err, x.want)
		}
	}
}

// A query fits every request of the shape that it was compiled for.
func TestShape(t *testing.T) {
	w := newRuleWorld(t)
	rules := []string{
		"@request.auth.id = ''", "author.name != @request.auth.nick", "author = @request.auth.fav", "title = @request.body.title", "@request.body.title:isset = true",
		"@request.body.title:changed = true || @request.body.views:changed = true", "title ~ @request.body.title", "@request.body.author.name = 'ann'",
		"@request.body.tags:each ?= tags:each", "@request.body.tags:length > 1", "@request.body.title:lower = title:lower", "@request.auth.prefs = null",
		"@request.auth.email = @request.body.title", "@request.auth.roles:length != 0", "@request.body.views = @request.body.title", "views != @request.body.views",
	}
	var requests []*filter.Request
	for _, who := range []string{"", "m1", "m2", "m3"} {
		for _, b := range []body{nil, {"title": "Alpha", "views": 10.0}, {"title": "", "author": "ann"}, {"title": nil, "tags": []any{"go", "db"}}, {"title": "D", "author": "zzz", "tags": []any{}, "views": 0.0}} {
			req := w.member(t, who, who != "m3")
			req.Body = submit(w.cat.Find("posts"), b).Body
			requests = append(requests, req)
		}
	}
	for _, rule := range rules {
		e, err := filter.Parse(rule)
		if err != nil {
			t.Fatal(err)
		}
		first := map[string]*filter.Request{}
		for i, req := range requests {
			key := string(filter.Shape(nil, e, req))
			if first[key] == nil {
				first[key] = req
				continue
			}
			q := question{base: "posts", key: "id", rule: rule, order: "id"}
			own := whole(w.ask(q, req))
			q.compiledFor = first[key]
			if shared := whole(w.ask(q, req)); shared != own {
				t.Errorf("%s, request %d: %s with a shared query, %s with its own", rule, i, shared, own)
			}
		}
		if len(first) == len(requests) {
			t.Errorf("%s: no two requests share a query", rule)
		}
	}
}
