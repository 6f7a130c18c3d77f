package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// shop makes collections with rules: everybody may create things and sees open ones, owners see and change theirs.
func (g *guestRig) shop() {
	g.t.Helper()
	g.collection(`{"name":"things","type":"base","listRule":"open = true || owner = @request.auth.id","viewRule":"open = true || owner = @request.auth.id",
		"updateRule":"owner = @request.auth.id","deleteRule":null,"createRule":"@request.body.open = true",
		"fields":[{"name":"name","type":"text","max":10,"required":true},{"name":"open","type":"bool"},{"name":"owner","type":"text"},{"name":"n","type":"number"},{"name":"h","type":"text","hidden":true}]}`)
	g.collection(`{"name":"other","type":"base","fields":[{"name":"name","type":"text"}]}`)
	for i, line := range []string{`"open":true`, `"open":false`, `"open":true`} {
		r, err := g.app.Records.New("things")
		if err != nil {
			g.t.Fatal(err)
		}
		r.Set("id", fmt.Sprintf("thing%010d", i))
		r.Set("name", fmt.Sprintf("thing %d", i))
		r.Set("open", strings.HasSuffix(line, "true"))
		r.Set("n", i)
		if err := g.app.Records.Save(g.t.Context(), r); err != nil {
			g.t.Fatal(err)
		}
	}
}

// In the caller's name a guest gets what the caller would get, and no more.
func TestGuestReachesDataAsCaller(t *testing.T) {
	g := newGuests(t, "probe", "second")
	g.shop()
	user := g.token("users", "a@x.test")
	owner, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "a@x.test"))
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := g.app.Records.FindByID(t.Context(), "things", "thing0000000001")
	if err != nil {
		t.Fatal(err)
	}
	hidden.Set("owner", owner.ID())
	if err := g.app.Records.Save(t.Context(), hidden); err != nil {
		t.Fatal(err)
	}
	root := g.superuser()
	tests := []struct {
		name, token, line, want string
	}{
		{"an open record", "", "find|0|things|thing0000000000|name", `"thing 0"`},
		{"a closed record", "", "find|0|things|thing0000000001|name", "NOT_FOUND "},
		{"its owner", user, "find|0|things|thing0000000001|name", `"thing 1"`},
		{"a superuser", root, "find|0|things|thing0000000001|name", `"thing 1"`},
		{"no such record", root, "find|0|things|nope|name", "NOT_FOUND "},
		{"no such collection", root, "find|0|nope|nope|name", "NOT_FOUND "},
		{"the list", "", "list|0|things|{\"sort\":\"id\"}", `["thing0000000000","thing0000000002"]`},
		{"the owner's list", user, "list|0|things|{\"sort\":\"-id\"}", `["thing0000000002","thing0000000001","thing0000000000"]`},
		{"a filter", user, `list|0|things|{"filter":"n >= {:n} && name ~ {:s}","params":{"n":1,"s":"thing"},"sort":"id","limit":1,"offset":1}`, `["thing0000000002"]`},
		{"a bad filter", user, `list|0|things|{"filter":"n >="}`, "INVALID "},
		{"a field that is not there", user, `list|0|things|{"filter":"nope = 1"}`, "INVALID "},
		{"a hidden field", "", `list|0|things|{"filter":"h = ''"}`, "INVALID "},
		{"a filter over collections", user, `list|0|things|{"filter":"@collection.users.id != ''"}`, "FORBIDDEN "},
		{"a query that is none", user, `list|0|things|[1]`, "INVALID "},
		{"too many", user, `list|0|things|{"limit":501}`, ""},
		{"superusers' records", user, "list|0|_superusers|{}", "FORBIDDEN "},
		{"a create", "", `create|0|things|{"name":"new","open":true}|name`, `"new"`},
		{"a create against the rule", "", `create|0|things|{"name":"new"}|name`, "FORBIDDEN "},
		{"a create that is wrong", "", `create|0|things|{"name":"much too long","open":true}|name`, `FAILED {"name":{"code":"validation_max_text_constraint"`},
		{"a create that is no object", "", `create|0|things|[]|name`, "INVALID "},
		{"an update of the owner", user, `update|0|things|thing0000000001|{"n+":5}|n`, "6"},
		{"an update of another", "", `update|0|things|thing0000000001|{"n+":5}|n`, "NOT_FOUND "},
		{"an update that is wrong", user, `update|0|things|thing0000000001|{"name":""}|n`, `FAILED {"name":{"code":"validation_required"`},
		{"a deletion", user, "delete|0|things|thing0000000001", "FORBIDDEN "},
		{"a superuser's deletion", root, "delete|0|things|thing0000000001", "ok"},
		{"another", root, "delete|0|things|thing0000000001", "NOT_FOUND "},
	}
	for _, test := range tests {
		_, got, _ := strings.Cut(g.ask(test.token, test.line)[0], "=")
		if !strings.HasPrefix(got, test.want) || strings.HasSuffix(test.want, `"`) && got != test.want && !strings.HasPrefix(test.want, "FAILED") {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

// In its own name a guest asks no rule, and reaches what its description names.
func TestGuestReachesDataAsItself(t *testing.T) {
	g := newGuests(t, "probe", "second")
	g.shop()
	g.superuser()
	tests := []struct{ line, probe, second string }{
		{"find|1|things|thing0000000001|name", `"thing 1"`, `"thing 1"`},
		{"list|1|things|{\"sort\":\"id\"}", `["thing0000000000","thing0000000001","thing0000000002"]`, `["thing0000000000","thing0000000001","thing0000000002"]`},
		{`create|1|things|{"name":"a"}|name`, `"a"`, `"a"`},
		{`create|1|things|{}|name`, `FAILED {"name":`, `FAILED {"name":`},
		{`update|1|things|thing0000000000|{"n":7}|n`, "7", "7"},
		{`create|1|other|{"name":"a"}|name`, `"a"`, "FORBIDDEN "},
		{`list|1|other|{}`, "[", "FORBIDDEN "},
		{`find|1|other|x|id`, "NOT_FOUND ", "FORBIDDEN "},
		{`update|1|other|x|{}|id`, "NOT_FOUND ", "FORBIDDEN "},
		{`delete|1|other|x`, "NOT_FOUND ", "FORBIDDEN "},
		{`delete|1|things|thing0000000002`, "ok", "NOT_FOUND "},
		{`list|1|_superusers|{}`, "FORBIDDEN ", "FORBIDDEN "},
		{`list|1|_externalAuths|{}`, "FORBIDDEN ", "[]"},
		{`list|2|things|{}`, "INVALID ", "INVALID "},
	}
	id := g.app.Catalogue.Current().Find("other").ID
	tests = append(tests, struct{ line, probe, second string }{"list|1|" + id + "|{}", "[", "FORBIDDEN "})
	for _, test := range tests {
		for name, want := range map[string]string{"probe": test.probe, "second": test.second} {
			if name == "second" && strings.HasPrefix(test.line, "delete|1|things") {
				continue
			}
			_, _, raw := g.raw("POST", "/"+name+"/any/x", script(test.line), nil)
			if _, got, _ := strings.Cut(string(raw), "="); !strings.HasPrefix(got, want) {
				t.Errorf("%s: %s: %q, want %q", name, test.line, got, want)
			}
		}
	}
	// Secrets stay secret.
	g.token("users", "a@x.test")
	user, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "a@x.test"))
	if err != nil {
		t.Fatal(err)
	}
	got := g.ask("", "find|1|users|"+user.ID()+"|password", "find|1|users|"+user.ID()+"|tokenKey", "find|1|users|"+user.ID()+"|")
	if got[0] != "find=FORBIDDEN the field is a secret" || got[1] != "find=FORBIDDEN the field is a secret" || strings.Contains(got[2], "tokenKey") || strings.Contains(got[2], "password") || !strings.Contains(got[2], "a@x.test") {
		t.Errorf("%q", got)
	}
}

// A guest's SQL reads and writes tables, within bounds.
func TestGuestSQL(t *testing.T) {
	g := newGuests(t, "probe", "second")
	g.shop()
	g.token("users", "a@x.test")
	tests := []struct{ line, want string }{
		{"sql|SELECT id, n, open FROM things WHERE n > ? AND name LIKE ? ORDER BY id|[0,\"thing%\"]", `[["thing0000000001",1,0],["thing0000000002",2,1],0]`},
		{"sql|SELECT :a, :b, :c, :d, :e|{\"a\":1.5,\"b\":null,\"c\":\"x\",\"d\":true,\"e\":[1]}", `[[1.5,null,"x",1,"[1]"],0]`},
		{"sql|SELECT 9007199254740993|", `[[9007199254740993],0]`},
		{"sql|SELECT ?|[9007199254740993]", `[[9007199254740993],0]`},
		{"sql|UPDATE things SET n = n + 10 WHERE open = 1|[]", `[2]`},
		{"sql|INSERT INTO other (id, name) VALUES ('other0000000001', ?) RETURNING name|[\"x\"]", `[["x"],1]`},
		{"sql|INSERT INTO other (id, name) VALUES ('other0000000001', 'again')|[]", "FAILED "},
		{"sql|SELECT count(*) FROM other|[]", `[[1],0]`},
		{"sql|DELETE FROM other|[]", `[1]`},
		{"sql|SELECT|[]", "INVALID "},
		{"sql|SELECT nope FROM things|[]", "INVALID "},
		{"sql||[]", "INVALID "},
		{"sql|SELECT 1; SELECT 2|[]", "INVALID "},
		{"sql|SELECT ?|[]", "INVALID "},
		{"sql|SELECT 1|[1]", "INVALID "},
		{"sql|SELECT 1|7", "INVALID "},
		{"sql|BEGIN|[]", "FORBIDDEN "}, {"sql|COMMIT|[]", "FORBIDDEN "}, {"sql|ROLLBACK|[]", "FORBIDDEN "}, {"sql|SAVEPOINT a|[]", "FORBIDDEN "}, {"sql|RELEASE a|[]", "FORBIDDEN "},
		{"sql|ATTACH ':memory:' AS a|[]", "FORBIDDEN "}, {"sql|DETACH main|[]", "FORBIDDEN "}, {"sql|VACUUM|[]", "INVALID "}, // SQLite's own no: it is in a transaction
		{"sql|PRAGMA journal_mode = DELETE|[]", "FORBIDDEN "}, {"sql|PRAGMA writable_schema = 1|[]", "FORBIDDEN "},
		{"sql|SELECT * FROM _params|[]", "FORBIDDEN "}, {"sql|UPDATE _params SET value = ''|[]", "FORBIDDEN "}, {"sql|DELETE FROM _collections|[]", "FORBIDDEN "},
		{"sql|SELECT password FROM users|[]", "FORBIDDEN "}, {"sql|SELECT tokenKey FROM users|[]", "FORBIDDEN "}, {"sql|SELECT * FROM users|[]", "FORBIDDEN "},
		{"sql|SELECT 1 FROM users WHERE password > ''|[]", "FORBIDDEN "}, {"sql|SELECT email FROM users|[]", `[["a@x.test"],0]`},
		{"sql|CREATE TABLE t (a)|[]", "FORBIDDEN "}, {"sql|DROP TABLE things|[]", "FORBIDDEN "}, {"sql|ALTER TABLE things ADD COLUMN x|[]", "FORBIDDEN "}, {"sql|CREATE INDEX i ON things (n)|[]", "FORBIDDEN "},
		{"sql|CREATE TRIGGER t AFTER INSERT ON things BEGIN DELETE FROM things; END|[]", "FORBIDDEN "}, {"sql|CREATE TEMP TABLE t (a)|[]", "FORBIDDEN "},
		{"sql|SELECT load_extension('x')|[]", ""},
		{"sql|WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r LIMIT 1001) SELECT n FROM r|[]", "LIMIT "},
		{"sql|SELECT count(*) FROM things|[]", `[[3],0]`},
	}
	for _, test := range tests {
		_, got, _ := strings.Cut(g.ask("", test.line)[0], "=")
		if !strings.HasPrefix(got, test.want) || strings.HasPrefix(test.want, "[") && got != test.want {
			t.Errorf("%s: %q, want %q", test.line, got, test.want)
		}
		if strings.Contains(test.line, "load_extension") && strings.HasPrefix(got, "[") {
			t.Errorf("%s: %q", test.line, got)
		}
	}
	if _, _, raw := g.raw("POST", "/second/any/x", script("sql|SELECT 1|[]"), nil); string(raw) != "sql=FORBIDDEN the extension has no permission for sql\n" {
		t.Errorf("%q", raw)
	}
	// What SQL wrote everybody reads.
	if _, out := g.send("GET", "/api/collections/things/records/thing0000000002", ""); out["n"] != 12.0 {
		t.Errorf("%v", out)
	}
}

// A query that does not end is ended when the call's time for the server is over, one that writes before that; the guest is told, and the next one works.
func TestGuestSQLWithoutEnd(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.shop()
	endless := "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
	for statement, want := range map[string]string{endless + "SELECT max(n) FROM r": "BUSY", "UPDATE things SET n = (" + endless + "SELECT max(n) FROM r)": "LIMIT"} {
		status, _, raw := g.raw("POST", "/probe/any/x", script("sql|"+statement+"|[]"), nil)
		if status != 200 || !strings.HasPrefix(string(raw), "sql="+want+" ") {
			t.Errorf("%s: %d %s, want %s", statement, status, raw, want)
		}
		if got := g.ask("", "sql|UPDATE things SET n = 1|[]", "sql|SELECT max(n) FROM things|[]"); !slices.Equal(got, []string{"sql=[3]", "sql=[[1],0]"}) {
			t.Errorf("%q", got)
		}
	}
}
