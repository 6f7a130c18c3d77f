package filter_test

import (
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// listable gives a collection another list rule, "-" for none. Only tests may change what is in a catalogue.
func (w *world) listable(name, rule string) {
	w.cat.Find(name).ListRule = &rule
	if rule == "-" {
		w.cat.Find(name).ListRule = nil
	}
}

func TestListRulesOfJoinedCollections(t *testing.T) {
	w := newRuleWorld(t)
	for _, x := range []struct{ collection, rule, filter, want string }{
		{"authors", "-", "author = 'ann'", "AD"},
		{"authors", "-", "author.id = 'ann'", "AD"},
		{"authors", "-", "author:each = 'ann'", "AD"},
		{"authors", "-", "author.name = 'ann'", "400"},
		{"authors", "-", "author.posts_via_author.title ?= 'D'", "400"},
		{"authors", "-", "geoDistance(author.age, 1, 2, 3) > 0", "400"},
		{"authors", "-", "strftime('%Y', author.name) = ''", "400"},
		{"authors", "age > 26", "author.name = 'ann'", "AD"},
		{"authors", "age > 26", "author.name = 'bob'", "none"},
		{"authors", "age > 26", "author.name != ''", "AD"},
		{"authors", "age > 26", "author.name != 'zzz'", "ABD"},
		{"authors", "age > 26", "author.name = ''", "B"},
		{"authors", "age > 26", "author.name = 'bob' || views >= 0", "ABD"},
		{"authors", "age > 26", "(author.name = 'bob' && views = 0) || title = 'beta'", "B"},
		{"authors", "@request.auth.id != ''", "author.name = 'ann'", "none"},
		{"authors", "posts_via_author.views ?> 500", "author.name != ''", "AD"},
		{"tags", "rank > 1", "tags.name ?= 'go'", "none"},
		{"tags", "rank > 1", "tags.name ?= 'db'", "ACD"},
		{"tags", "rank > 1", "tags.name = 'db'", "C"},
		{"tags", "rank > 1", "tags.name != 'zzz'", "ABCDE"},
		{"tags", "rank > 1", "tags.name ?!= 'db'", "BDE"},
		{"tags", "rank > 1", "tags:each ?= 'go'", "AD"},
		{"tags", "rank > 1", "tags.name = ''", "B"},
		{"tags", "posts_via_tags.views > 5", "tags.name ?= 'go'", "AD"},
		{"tags", "posts_via_tags.views > 5", "tags.name ?= 'db'", "none"},
		{"tags", "posts_via_tags.views > 5", "tags.name ?= 'web'", "DE"},
		{"comments", "-", "comments_via_post.text ?= 'first'", "400"},
		{"comments", "likes > 2", "comments_via_post.text ?= 'first'", "C"},
		{"comments", "likes > 2", "comments_via_post.id = ''", "BE"},
		{"comments", "", "comments_via_hid.id = ''", "400"},
		{"comments", "", "author.posts_via_author.secret ?= 's1'", "400"},
		{"comments", "missing = 1", "comments_via_post.id = ''", "400"},
		{"comments", "((", "comments_via_post.id = ''", "400"},
	} {
		was := *w.cat.Find(x.collection).ListRule
		w.listable(x.collection, x.rule)
		if got := whole(w.ask(question{base: "posts", key: "id", filter: x.filter, order: "id", trust: filter.Client}, w.member(t, "", false))); got != x.want {
			t.Errorf("%s may be listed if %q: %s\n got %s\nwant %s", x.collection, x.rule, x.filter, got, x.want)
		}
		w.listable(x.collection, was)
	}
}

// Rule, client filter and sort of a request look at the same joined rows.
func TestSharedJoins(t *testing.T) {
	w := newRuleWorld(t)
	for _, x := range []struct {
		rule, filter, order string
		trust               filter.Trust
		want                string
	}{
		{"author.name = 'ann' && secret != 'zz'", "views > 0", "id", filter.Client, "AD"},
		{"author.name = 'ann' && secret != 'zz'", "author.name != 'ann'", "id", filter.Client, "none"},
		{"author.name = 'ann' && secret != 'zz'", "secret = 's1'", "id", filter.Client, "400"},
		{"tags.name ?= 'go'", "id != ''", "id", filter.Client, "AD"},
		{"tags.name ?= 'go'", "tags.name ?= 'db'", "id", filter.Client, "none"},
		{"tags.name ?= 'go'", "tags.name ?= 'go'", "id", filter.Client, "AD"},
		{"tags.name ?= 'go'", "tags.rank ?> 1", "id", filter.Client, "none"},
		{"tags.name ?= 'go'", "tags.name = 'go'", "id", filter.Client, "none"},
		{"", "tags.name ?= 'db'", "id", filter.Superuser, "ACD"},
		{"@collection.comments.post ?= id", "@collection.comments.likes ?> 3", "id", filter.Superuser, "A"},
		{"@collection.comments:a.post ?= id", "@collection.comments:b.likes ?> 3", "id", filter.Superuser, "ACD"},
	} {
		if got := whole(w.ask(question{base: "posts", key: "id", rule: x.rule, filter: x.filter, order: x.order, trust: x.trust}, w.member(t, "", false))); got != x.want {
			t.Errorf("rule %s, filter %s\n got %s\nwant %s", x.rule, x.filter, got, x.want)
		}
	}
}

// A list rule of a joined collection that reads the identity makes a query that not everybody can share.
func TestShapeOfDemandedRules(t *testing.T) {
	w := newRuleWorld(t)
	guest, m1, m2 := w.member(t, "", true), w.member(t, "m1", true), w.member(t, "m2", true)
	q := question{base: "posts", key: "id", filter: "author.name != ''", trust: filter.Client}
	if plain, err := w.compile(q, guest); err != nil || plain.Demanding() {
		t.Errorf("a query without list rules: %v, demanding", err)
	}
	w.listable("authors", "@request.auth.id = ''")
	byGuest, err := w.compile(q, guest)
	if err != nil {
		t.Fatal(err)
	}
	if !byGuest.Demanding() {
		t.Error("the query does not tell that it holds a list rule")
	}
	shape := func(req *filter.Request) string { return string(byGuest.Shape(nil, req)) }
	if shape(guest) == shape(m1) {
		t.Error("a guest and a member would share the query")
	}
	if shape(m1) != shape(m2) {
		t.Error("two members cannot share the query")
	}
	byMember, err := w.compile(q, m1)
	if err != nil {
		t.Fatal(err)
	}
	if string(byMember.Shape(nil, guest)) != shape(guest) {
		t.Error("the shape of a request depends on who asked first")
	}
}

func TestEmailsOfOthers(t *testing.T) {
	w := newRuleWorld(t)
	for _, x := range []struct{ base, filter, client, superuser string }{
		{"members", "email = 'm1@example.com'", "none", "m1"},
		{"members", "email = 'm2@example.com'", "m2", "m2"},
		{"members", "'m1@example.com' = email", "none", "m1"},
		{"members", "email ~ '@'", "m2", "m1m2"},
		{"members", "email = ''", "none", "m3"},
		{"members", "email !~ 'zzz'", "m2", "m1m2m3"},
		{"members", "email:lower = 'm1@example.com'", "none", "m1"},
		{"members", "email != 'zzz' || id != ''", "m1m2m3", "m1m2m3"},
		{"members", "password != ''", "400", "m1m2m3"},
		{"members", "boss = 'x'", "400", "m1"},
		{"notes", "by.email ~ 'm'", "n2", "n1n2"},
		{"notes", "by.nick = 'Mia'", "n1", "n1"},
		{"notes", "by.boss = 'x'", "400", "n1"},
	} {
		for trust, want := range map[filter.Trust]string{filter.Client: x.client, filter.Superuser: x.superuser} {
			if got := whole(w.ask(question{base: x.base, key: "id", filter: x.filter, order: "id", trust: trust}, w.member(t, "m1", true))); got != want {
				t.Errorf("%s, trust %d\n got %s\nwant %s", x.filter, trust, got, want)
			}
		}
	}
}

// The order of records tells no email that the caller may not see: those without a visible one are equal.
func TestSortByEmail(t *testing.T) {
	w := newRuleWorld(t)
	for _, x := range []struct {
		base, sort, want string
		trust            filter.Trust
	}{
		{"members", "email", "m1m3m2", filter.Client},
		{"members", "-email", "m2m1m3", filter.Client},
		{"members", "email:lower", "m1m3m2", filter.Client},
		{"members", "email,-id", "m3m1m2", filter.Client},
		{"members", "email", "m3m1m2", filter.Superuser},
		{"notes", "by.email,-id", "n1n2", filter.Client},
		{"notes", "-by.email", "n2n1", filter.Client},
	} {
		if got := whole(w.ask(question{base: x.base, key: "id", order: x.sort, trust: x.trust}, w.member(t, "", true))); got != x.want {
			t.Errorf("%s by %s, trust %d: %s, want %s", x.base, x.sort, x.trust, got, x.want)
		}
	}
}

// Passwords are nobody's to compare or sort by, whatever their field is called and whether or not it is hidden; the key of
// tokens neither.
func TestSecretsOfClients(t *testing.T) {
	people := collection(t, "people", field(t, "password", "pin"), field(t, "text", "tokenKey"), field(t, "text", "nick"))
	people.Type = schema.Auth
	notes := collection(t, "notes", relation(t, "by", "people", "1"), field(t, "password", "lock"), field(t, "text", "tokenKey"))
	w := openWorld(t, []*schema.Collection{people, notes}, "INSERT INTO people (id, pin, tokenKey, nick) VALUES ('a', '$2a$x', 'k', 'n'); INSERT INTO notes (id, by, lock, tokenKey) VALUES ('n', 'a', '$2b', 't')")
	for _, x := range []struct{ base, path, client string }{
		{"people", "pin", "400"}, {"people", "pin:lower", "400"}, {"people", "tokenKey", "400"}, {"people", "nick", "a"}, {"notes", "lock", "400"}, {"notes", "tokenKey", "n"},
		{"notes", "by.pin", "400"}, {"notes", "by.tokenKey", "400"}, {"people", "notes_via_by.lock", "400"}, {"notes", "by.nick", "n"},
	} {
		for trust, want := range map[filter.Trust]string{filter.Client: x.client, filter.Superuser: w.first(t, x.base)} {
			for _, f := range []string{x.path + " >= '!'", "'z' ?> " + x.path, "strftime('%Y', " + x.path + ") = ''", "geoDistance(" + x.path + ", 1, 2, 3) = null"} {
				if got := whole(w.ask(question{base: x.base, key: "id", filter: f, trust: trust}, w.request("", trust))); got != want {
					t.Errorf("%s: %s with trust %d: %s, want %s", x.base, f, trust, got, want)
				}
			}
			if got := whole(w.ask(question{base: x.base, key: "id", order: x.path, trust: trust}, w.request("", trust))); got != want {
				t.Errorf("%s by %s with trust %d: %s, want %s", x.base, x.path, trust, got, want)
			}
		}
	}
}

// first is the id of the only record.
func (w *world) first(t *testing.T, base string) string {
	t.Helper()
	rows, err := w.ask(question{base: base, key: "id", rule: "id != ''"}, w.request("", filter.Client))
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	return rows[0]
}

func TestSort(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("a", 256)
	for _, x := range []struct{ sort, want string }{
		{"title", "ECADB"}, {"-title", "BDACE"}, {"+title", "ECADB"}, {" title", "ECADB"}, {"-views,title", "DEABC"}, {"active,-views,title", "DBEAC"}, {" -views , title", "DEABC"},
		{"published,t", "BECAD"}, {"title:lower", "ECABD"}, {"id", "ABCDE"}, {"@rowid", "ABCDE"}, {"-@rowid", "EDCBA"}, {"views,@rowid", "CBAED"},
		{"author.name,t", "BADCE"}, {"-author.age,t", "ADCEB"}, {"author,t", "BADCE"}, {"author.id,t", "BADCE"},
		{"tags.name,t", "BCADE"}, {"-tags.name,t", "EADCB"}, {"tags.rank,t", "BADCE"}, {"labels:length,t", "BCADE"}, {"labels:each,t", "BACED"},
		{"meta.a,t", "BCDEA"}, {"-loc.lat,t", "CABDE"}, {"comments_via_post.likes,t", "BEDAC"}, {"-comments_via_post.likes,t", "CADBE"},
		{"groups_via_posts.name,t", "CDEAB"}, {"author.profiles_via_author.bio,t", "BECAD"}, {"t,title,views,active,published,status,id,@rowid", "ABCDE"},
		{"missing", "400"}, {"--title", "400"}, {"title,", "400"}, {",", "400"}, {"-", "400"}, {"title,,views", "400"}, {"rowid", "400"}, {"_rowid_", "400"}, {"created", "400"},
		{"collectionId", "400"}, {"null", "400"}, {"true", "400"}, {"'title'", "400"}, {"1", "400"}, {"@now", "400"}, {"tags.missing", "400"}, {"title.x", "400"},
		{"author.tags_via_x.name", "400"}, {"TITLE", "400"}, {"title:upper", "400"}, {"strftime('%Y',published)", "400"}, {"secret", "400"}, {"title`", "400"}, {"title desc", "400"},
		{"t,title,views,active,published,status,id,@rowid,author", "400"}, {long, "400"}, {"@request.auth.id", "403"}, {"@collection.tags.name", "403"},
	} {
		rows, err := w.ask(question{base: "posts", key: "t", order: x.sort, trust: filter.Client}, w.request("", filter.Client))
		if got := whole(rows, err); got != x.want {
			t.Errorf("%s\n got %s\nwant %s", x.sort, got, x.want)
		}
	}
	for sort, want := range map[string]string{"secret,t": "BDEAC", "@request.auth.id": "400", "@request.query.sort": "400"} {
		if got := whole(w.ask(question{base: "posts", key: "t", order: sort, trust: filter.Superuser}, w.request("", filter.Superuser))); got != want {
			t.Errorf("as a superuser: %s\n got %s\nwant %s", sort, got, want)
		}
	}
	if rows, err := w.ask(question{base: "posts", key: "t", order: "-@random,t"}, w.request("", filter.Client)); err != nil || len(rows) != 5 {
		t.Errorf("@random: %v %v", rows, err)
	}
}

// Columns of views may be NULL, unlike those of tables.
func TestViews(t *testing.T) {
	w := newRuleWorld(t)
	for _, x := range []struct{ filter, want string }{
		{"title = ''", "E"}, {"title != ''", "ABCD"}, {"title = null", "E"}, {"title != 'Alpha'", "BCDE"}, {"title = gone", "E"}, {"gone = ''", "ABCDE"},
		{"gone = @request.query.e", "ABCDE"}, {"dbl = 20", "AE"}, {"dbl = '20'", "none"}, {"author.name = 'ann'", "AD"}, {"author = ''", "B"},
		{"author.pv_via_author.dbl ?= 2000", "AD"}, {"pv.title = 'x'", "400"},
	} {
		if got := whole(w.ask(question{base: "pv", key: "id", filter: x.filter, order: "id", trust: filter.Superuser}, w.member(t, "", false))); got != x.want {
			t.Errorf("%s\n got %s\nwant %s", x.filter, got, x.want)
		}
	}
	if got := whole(w.ask(question{base: "pv", key: "id", order: "@rowid"}, w.member(t, "", false))); got != "400" {
		t.Errorf("a view sorted by @rowid: %s", got)
	}
}

func TestQueryTells(t *testing.T) {
	w := newWorld(t)
	for _, x := range []struct {
		filter             string
		distinct, volatile bool
		tables             string
	}{
		{"title = 'x'", false, false, "posts"},
		{"author.name = 'x'", false, false, "authors,posts"},
		{"author.profiles_via_author.bio = 'x'", false, false, "authors,posts,profiles"},
		{"tags.name = 'x'", true, false, "posts,tags"},
		{"labels:each = 'x'", true, false, "posts"},
		{"@collection.groups.name ?= 'x'", true, false, "groups,posts"},
		{"published < @now", false, true, "posts"},
		{"strftime('%Y') = '2024'", false, true, "posts"},
		{"strftime('%Y', 'NOW') = '2024'", false, true, "posts"},
		{"strftime('%Y', 'subsec') = '2024'", false, true, "posts"},
		{"strftime('%Y', published) = '2024'", false, false, "posts"},
		{"@request.auth.tokenKey != ''", false, false, "_superusers,posts"},
	} {
		q, err := w.compile(question{base: "posts", filter: x.filter, trust: filter.Superuser}, w.request(x.filter, filter.Superuser))
		if err != nil {
			t.Fatal(err)
		}
		if tables := strings.Join(q.Tables, ","); q.Distinct != x.distinct || q.Volatile != x.volatile || tables != x.tables {
			t.Errorf("%s: distinct %v, volatile %v, tables %s", x.filter, q.Distinct, q.Volatile, tables)
		}
	}
}

// The key of a result must differ whenever a bound value does, in kind too.
func TestAppendKey(t *testing.T) {
	w := newRuleWorld(t)
	rule := "title = @request.body.a || title = @request.body.b"
	seen := map[string]body{}
	for _, b := range []body{{"a": "1", "b": "2"}, {"a": "12", "b": "x"}, {"a": "1", "b": "2x"}, {"a": 1.0, "b": "2"}, {"a": 1.5, "b": "2"}, {"a": true, "b": "2"}, {"a": "1s1:2", "b": "2"}, {"a": []any{"1"}, "b": "2"}} {
		req := submit(&schema.Collection{}, b)
		q, err := w.compile(question{base: "posts", rule: rule}, req)
		if err != nil {
			t.Fatal(err)
		}
		key := string(q.AppendKey(nil, req))
		if other, ok := seen[key]; ok {
			t.Errorf("%v and %v have the key %q", b, other, key)
		}
		seen[key] = b
	}
}

// An index serves what owners' rules compare, whether the value is the id or a column of the signed-in record.
func TestRulesUseIndexes(t *testing.T) {
	w := newRuleWorld(t)
	if err := execute(w, "CREATE INDEX by_title ON posts (title COLLATE NOCASE); CREATE INDEX by_author ON posts (author); CREATE INDEX by_views ON posts (views)"); err != nil {
		t.Fatal(err)
	}
	for _, rule := range []string{"author = @request.auth.id", "@request.auth.fav = author", "views = @request.auth.level", "author = 'ann'", "views > 5", "title ~ 'alp%'"} {
		req := w.member(t, "m1", true)
		q, err := w.compile(question{base: "posts", rule: rule}, req)
		if err != nil {
			t.Fatal(err)
		}
		stmt, _, err := w.conn.PrepareTransient("EXPLAIN QUERY PLAN SELECT id FROM " + q.From + " WHERE " + q.Where)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := q.Bind(stmt, 1, req, nil); err != nil {
			t.Fatal(err)
		}
		plan := ""
		for {
			more, err := stmt.Step()
			if err != nil {
				t.Fatal(err)
			}
			if !more {
				break
			}
			plan += stmt.GetText("detail") + "\n"
		}
		if err := stmt.Finalize(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, "SEARCH posts USING") {
			t.Errorf("%s: %s", rule, plan)
		}
	}
}
