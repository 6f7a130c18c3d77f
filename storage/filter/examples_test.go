package filter_test

import (
	"errors"
	"os"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// world is the data behind testdata/examples.tsv.
type world struct {
	cat  *schema.Catalogue
	conn *sqlite.Conn
}

func field(t testing.TB, typ, name string, more ...string) schema.Field {
	t.Helper()
	raw := `{"type":"` + typ + `","name":"` + name + `","id":"` + typ + "_" + name + `"`
	for _, m := range more {
		raw += "," + m
	}
	f, err := schema.DecodeField([]byte(raw + "}"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func relation(t testing.TB, name, target, max string) schema.Field {
	t.Helper()
	return field(t, "relation", name, `"collectionId":"pbc_`+target+`"`, `"maxSelect":`+max)
}

// collection is a base collection that everybody may list.
func collection(t testing.TB, name string, fields ...schema.Field) *schema.Collection {
	t.Helper()
	public := ""
	id := field(t, "text", "id", `"primaryKey":true,"system":true`)
	return &schema.Collection{ID: "pbc_" + name, Name: name, Type: schema.Base, ListRule: &public, ViewRule: &public, Fields: append([]schema.Field{id}, fields...)}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	collection := func(name string, fields ...schema.Field) *schema.Collection { return collection(t, name, fields...) }
	rel := func(name, target, max string) schema.Field { return relation(t, name, target, max) }
	profiles := collection("profiles", field(t, "text", "bio"), rel("author", "authors", "1"))
	profiles.Indexes = []string{"CREATE UNIQUE INDEX `idx_profiles_author` ON `profiles` (`author`)"}
	superusers := collection("_superusers", field(t, "text", "tokenKey", `"hidden":true`), field(t, "password", "password", `"hidden":true`),
		field(t, "email", "email"), field(t, "bool", "emailVisibility"), field(t, "bool", "verified"))
	superusers.Type = schema.Auth
	all := []*schema.Collection{
		collection("tags", field(t, "text", "name"), field(t, "number", "rank")),
		collection("authors", field(t, "text", "name"), field(t, "number", "age"), field(t, "text", "city"), field(t, "geoPoint", "home")),
		collection("posts", field(t, "text", "t"), field(t, "text", "title"), field(t, "number", "views"), field(t, "bool", "active"), field(t, "date", "published"),
			field(t, "select", "status", `"values":["draft","pub"]`, `"maxSelect":1`), field(t, "select", "labels", `"values":["x","y","z"]`, `"maxSelect":3`),
			field(t, "json", "meta"), field(t, "geoPoint", "loc"), field(t, "text", "secret", `"hidden":true`), rel("author", "authors", "1"), rel("tags", "tags", "9")),
		collection("comments", field(t, "text", "text"), field(t, "number", "likes"), rel("post", "posts", "1")),
		profiles,
		collection("groups", field(t, "text", "name"), rel("posts", "posts", "9")),
		superusers,
	}
	return openWorld(t, all, `
INSERT INTO tags (id, name, rank) VALUES ('taggo0000000000','go',1), ('tagdb0000000000','db',2), ('tagweb000000000','web',3), ('tagnil000000000','',0);
INSERT INTO authors (id, name, age, city, home) VALUES ('autann000000000','ann',30,'Sofia','{"lon":23.32,"lat":42.69}'), ('autbob000000000','bob',25,'','{"lon":0,"lat":0}'), ('autcid000000000','cid',0,'Rome','{"lon":12.5,"lat":41.9}');
INSERT INTO posts (id, t, title, views, active, published, status, labels, meta, loc, secret, author, tags) VALUES
 ('pA','A','Alpha',10,1,'2024-01-15 10:00:00.000Z','draft','["x","y"]','{"a":1,"b":{"c":"deep"},"list":[1,2,3],"n":null,"s":"str","yes":true}','{"lon":23.32,"lat":42.69}','s1','autann000000000','["taggo0000000000","tagdb0000000000"]'),
 ('pB','B','beta',0,0,'','','[]',NULL,'{"lon":0,"lat":0}','','','[]'),
 ('pC','C','100% Gamma_x',-5.5,1,'2023-12-31 23:59:59.999Z','pub','["x"]','"text"','{"lon":-0.12,"lat":51.5}','s2','autbob000000000','["tagdb0000000000"]'),
 ('pD','D','O''Neil "q" \ back',1000,0,'2024-02-29 00:00:00.000Z','pub','["y","z"]','[1,"two",{"k":"v"}]','{"lon":0,"lat":0}','','autann000000000','["taggo0000000000","tagdb0000000000","tagweb000000000"]'),
 ('pE','E','',10,1,'','draft','["x","y","z"]',5,'{"lon":0,"lat":0}','','autcid000000000','["tagweb000000000"]');
INSERT INTO comments (id, text, likes, post) VALUES ('c1','first',1,'pA'), ('c2','second',5,'pA'), ('c3','first',3,'pC'), ('c4','',0,'pD');
INSERT INTO profiles (id, bio, author) VALUES ('f1','dev','autann000000000'), ('f2','','autbob000000000');
INSERT INTO groups (id, name, posts) VALUES ('g1','g1','["pA","pB"]'), ('g2','g2','["pA"]'), ('g3','g3','[]');
INSERT INTO _superusers (id, tokenKey, password, email, verified) VALUES ('root00000000000','key','hash','root@example.com',1);
`)
}

// openWorld makes the tables of the collections, views apart, and runs a script over them.
func openWorld(t testing.TB, all []*schema.Collection, script string) *world {
	t.Helper()
	conn, err := sqlite.OpenConn(":memory:", sqlite.OpenReadWrite, sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	tables := ""
	for _, c := range all {
		if c.IsView() {
			tables += "CREATE VIEW `" + c.Name + "` AS " + c.ViewQuery + ";\n"
			continue
		}
		columns := make([]string, len(c.Fields))
		for i, f := range c.Fields {
			columns[i] = "`" + f.Base().Name + "` " + f.Column()
		}
		tables += "CREATE TABLE `" + c.Name + "` (" + strings.Join(columns, ", ") + ");\n"
	}
	if err := sqlitex.ExecuteScript(conn, tables+script, nil); err != nil {
		t.Fatal(err)
	}
	return &world{cat: schema.NewCatalogue(1, all), conn: conn}
}

// request is a list request of the superuser or of a guest.
func (w *world) request(expression string, trust filter.Trust) *filter.Request {
	req := &filter.Request{Context: "default", Method: "GET", Now: time.Now(),
		Source: snapshot(map[string]string{"filter": expression}, map[string]string{"User-Agent": "test"})}
	if trust == filter.Superuser {
		req.Auth = &filter.Identity{Collection: w.cat.Find("_superusers"), ID: "root00000000000", Email: "root@example.com", Verified: true, Superuser: true}
	}
	return req
}

// query compiles an expression over a collection and returns the key column of what it finds.
func (w *world) query(base, key, expression, order string, trust filter.Trust) ([]string, error) {
	return w.ask(question{base: base, key: key, filter: expression, order: order, trust: trust}, w.request(expression, trust))
}

// question is what a list request asks for.
type question struct {
	base, key   string // the column key of the collection base is read
	rule        string // the list rule, "" for none
	filter      string
	order       string
	trust       filter.Trust // of filter and order
	values      []schema.Value
	created     bool            // values are those of a record to be created
	compiledFor *filter.Request // the request that decides the shape, nil for the one that asks
}

func (w *world) ask(q question, req *filter.Request) ([]string, error) {
	compiled, err := w.compile(q, req)
	if err != nil {
		return nil, err
	}
	sql := "SELECT "
	if compiled.Distinct {
		sql += "DISTINCT "
	}
	sql += "`" + q.base + "`." + q.key + " FROM " + compiled.From
	if compiled.Where != "" {
		sql += " WHERE " + compiled.Where
	}
	if compiled.Order != "" {
		sql += " ORDER BY " + compiled.Order
	}
	stmt, _, err := w.conn.PrepareTransient(sql)
	if err != nil {
		return nil, errors.New("SQLite refuses " + sql + ": " + err.Error())
	}
	defer stmt.Finalize()
	if next, err := compiled.Bind(stmt, 1, req, q.values); err != nil {
		return nil, err
	} else if next != stmt.BindParamCount()+1 {
		return nil, errors.New("not as many values as parameters in " + sql)
	}
	var rows []string
	for {
		more, err := stmt.Step()
		if err != nil {
			return nil, err
		}
		if !more {
			return rows, nil
		}
		rows = append(rows, stmt.ColumnText(0))
	}
}

func (w *world) compile(q question, req *filter.Request) (*filter.Query, error) {
	if q.trust == filter.Client {
		if err := filter.CheckClient(q.filter, q.order); err != nil {
			return nil, err
		}
	}
	if q.compiledFor != nil {
		req = q.compiledFor
	}
	b := filter.NewBuilder(w.cat, w.cat.Find(q.base), req)
	switch {
	case q.created:
		b.Created()
	case q.values != nil:
		b.Virtual()
	}
	if q.rule != "" {
		if err := where(b, q.rule, filter.Rule); err != nil {
			return nil, err
		}
	}
	// A filter that is not there and one of zero length are the same to clients, so only the former is asked here.
	if q.filter != "" || q.rule == "" && q.order == "" {
		if err := where(b, q.filter, q.trust); err != nil {
			return nil, err
		}
	}
	if q.order != "" {
		if err := b.OrderBy(q.order, q.trust); err != nil {
			return nil, err
		}
	}
	return b.Build(), nil
}

func where(b *filter.Builder, text string, trust filter.Trust) error {
	e, err := filter.Parse(text)
	if err != nil {
		return err
	}
	return b.Where(e, trust)
}

func outcome(rows []string, err error) string {
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
	sort.Strings(rows)
	if all := strings.Join(rows, ""); all != "ABCDE" {
		return all
	}
	return "all"
}

var marks = strings.NewReplacer("⏎", "\n", "⇥", "\t", "␍", "\r", "⍽", "\u00a0")
var guestMark = regexp.MustCompile(`^(.*?) \(guest: (.*)\)$`)

func TestExamples(t *testing.T) {
	w := newWorld(t)
	raw, err := os.ReadFile("testdata/examples.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		expression, want, found := strings.Cut(line, "\t")
		if !found {
			continue
		}
		expression = marks.Replace(expression)
		guest := want
		if m := guestMark.FindStringSubmatch(want); m != nil {
			want, guest = m[1], m[2]
		}
		if got := outcome(w.query("posts", "t", expression, "", filter.Superuser)); got != want {
			t.Errorf("%s\n got %s\nwant %s", expression, got, want)
		}
		if got := outcome(w.query("posts", "t", expression, "", filter.Client)); got != guest {
			t.Errorf("as a guest: %s\n got %s\nwant %s", expression, got, guest)
		}
	}
}
