package api_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/actors/writes"
)

func find(field, value string) programs.Find {
	return programs.Find{Filter: field + " = {:v}", Params: map[string]any{"v": value}}
}

// everything is a collection with a field of each type.
const everything = `{"name":"all","type":"base","fields":[{"name":"script","type":"text"},
	{"name":"t","type":"text"},{"name":"e","type":"editor"},{"name":"n","type":"number"},{"name":"b","type":"bool"},
	{"name":"mail","type":"email"},{"name":"u","type":"url"},{"name":"d","type":"date"},{"name":"a","type":"autodate","onCreate":true,"onUpdate":true},
	{"name":"s","type":"select","values":["x","y","z"],"maxSelect":3},{"name":"one","type":"select","values":["x","y"],"maxSelect":1},
	{"name":"j","type":"json"},{"name":"p","type":"geoPoint"},{"name":"f","type":"file","maxSelect":1},
	{"name":"h","type":"text","hidden":true}]}`

// readFields are the probe's commands that read each field as text and as JSON, and some as a number.
func readFields(event string) (lines []string) {
	for _, f := range []string{"t", "e", "n", "b", "mail", "u", "d", "s", "one", "j", "p", "h", "f"} {
		lines = append(lines, event+"|text|"+f, event+"|json|"+f)
	}
	return append(lines, event+"|number|n", event+"|number|b", event+"|number|t", event+"|text|nope", event+"|collection")
}

// changeFields are the probe's commands that change each field, and two that fail.
func changeFields(event string) []string {
	return []string{
		event + "|set|t|changed", event + "|set|e|<b>", event + "|setnumber|n|-2500", event + "|set|b|false", event + "|set|mail|b@x.test", event + "|setjson|u|\"https://y.test\"",
		event + "|set|d|2025-01-02 03:04:05.000Z", event + `|setjson|s|["z"]`, event + "|set|s+|x", event + "|setjson|one|\"y\"", event + `|setjson|j|[1,{"a":"b"}]`,
		event + `|setjson|p|{"lon":3,"lat":4}`, event + "|set|h|seen", event + "|set|nope|1", event + "|setjson|j|{",
	}
}

// Every type of field is read and changed, on create and on update, and what was changed is checked and stored.
func TestGuestHooksReadAndChangeFields(t *testing.T) {
	g := newGuests(t, "probe")
	g.collection(everything)
	fields := `"t":"text","e":"<p>","n":1.5,"b":true,"mail":"a@x.test","u":"https://x.test","d":"2024-05-06 07:08:09.123Z","s":["x","y"],"one":"x","j":{"k":[1,null]},"p":{"lon":1,"lat":2},"h":"hidden"`
	want := []string{
		"text=text", `json="text"`, "text=<p>", `json="\u003cp\u003e"`, "text=1.5", "json=1.5", "text=true", "json=true", "text=a@x.test", `json="a@x.test"`,
		"text=https://x.test", `json="https://x.test"`, "text=2024-05-06 07:08:09.123Z", `json="2024-05-06 07:08:09.123Z"`,
		`text=["x","y"]`, `json=["x","y"]`, "text=x", `json="x"`, `text={"k":[1,null]}`, `json={"k":[1,null]}`,
		`text={"lon":1,"lat":2}`, `json={"lon":1,"lat":2}`, "text=hidden", `json="hidden"`, "text=", `json=""`,
		"number=1500", "number=1000", "number=INVALID the field holds no number", "text=NOT_FOUND no such field", "collection=all",
	}
	for i := range want {
		want[i] = "probe " + want[i]
	}
	changed := map[string]any{
		"t": "changed", "e": "<b>", "n": -2.5, "b": false, "mail": "b@x.test", "u": "https://y.test", "d": "2025-01-02 03:04:05.000Z", "s": []any{"z", "x"}, "one": "y",
		"j": []any{1.0, map[string]any{"a": "b"}}, "p": map[string]any{"lon": 3.0, "lat": 4.0}, "h": "seen", "f": "",
	}
	said := make([]string, 0, 15)
	for range 13 {
		said = append(said, "ok")
	}
	said = append(said, "NOT_FOUND no such field", "INVALID not valid JSON")
	check := func(event, method, path string) string {
		t.Helper()
		status, out := g.sendAs(g.superuser(), method, path, with(fields, append(readFields(event), changeFields(event)...)...))
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		got := g.log.told()
		if len(got) != len(want)+len(said) || !reflect.DeepEqual(got[:len(want)], want) {
			t.Errorf("the probe said\n%q\nwant\n%q", got, want)
		}
		for i, text := range said {
			if line := got[len(want)+i]; line != "probe set="+text && line != "probe setnumber="+text && line != "probe setjson="+text {
				t.Errorf("change %d: %q, want %q", i, line, text)
			}
		}
		_, stored := g.sendAs(g.superuser(), "GET", "/api/collections/all/records/"+out["id"].(string), "")
		for name, value := range changed {
			if !reflect.DeepEqual(out[name], value) || !reflect.DeepEqual(stored[name], value) {
				t.Errorf("%s: answered %v, stored %v, want %v", name, out[name], stored[name], value)
			}
		}
		return out["id"].(string)
	}
	id := check("record.create<", "POST", "/api/collections/all/records")
	check("record.update<", "PATCH", "/api/collections/all/records/"+id)
	check("record.create.request<", "POST", "/api/collections/all/records")
	check("record.validate<", "POST", "/api/collections/all/records")
	check("record.create.execute<", "POST", "/api/collections/all/records")
}

// What a guest makes of a record is checked like what a client sends, unless it comes after the check.
func TestGuestChangesAreChecked(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	const long = "much longer than twenty"
	status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create<|set|slug|"+long))
	if want := `map[data:map[slug:map[code:validation_max_text_constraint message:Must be no more than 20 character(s). params:map[max:20]]] message:Failed to create record. status:400]`; status != 400 || fmt.Sprint(out) != want {
		t.Errorf("%d %v, want %s", status, out, want)
	}
	if n := g.count("posts"); n != 0 {
		t.Errorf("%d records", n)
	}
	if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create.execute<|set|slug|"+long)); status != 200 || out["slug"] != long {
		t.Errorf("%d %v", status, out)
	}
	// After the write a change does not count, and the guest is told.
	g.log.told()
	status, out = g.send("POST", "/api/collections/posts/records", with(`"title":"a"`, "record.create>|set|title|b", "record.create.success<|set|title|b", "record.create.request>|set|title|b", "record.create.request>|hide|title"))
	if status != 200 || out["title"] != "a" {
		t.Errorf("%d %v", status, out)
	}
	const fixed = "probe set=CONTEXT a change of the record would not count here"
	g.expect(fixed, fixed, fixed, "probe hide=CONTEXT the record is not being shown")
}

// A guest's no is an answer like the server's own.
func TestGuestRejections(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	_, made := g.send("POST", "/api/collections/posts/records", with(""))
	id := made["id"].(string)
	tests := []struct {
		name, method, line string
		status             int
		envelope           string
	}{
		{"status and message", "POST", "record.create<|reject|409|already there", 409, `map[data:map[] message:Already there. status:409]`},
		{"no message", "POST", "record.create<|reject|403|", 403, `map[data:map[] message:You are not allowed to perform this request. status:403]`},
		{"a field", "POST", "record.create<|field|title|validation_bad|Bad title.", 400, `map[data:map[title:map[code:validation_bad message:Bad title.]] message:Failed to create record. status:400]`},
		{"status and fields", "POST", "record.create<|field|title|validation_bad|bad\nrecord.create<|field|slug|validation_worse|Worse.\nrecord.create<|reject|422|Look at it.", 422,
			`map[data:map[slug:map[code:validation_worse message:Worse.] title:map[code:validation_bad message:Bad.]] message:Look at it. status:422]`},
		{"in the request", "POST", "record.create.request<|reject|418|teapot", 418, `map[data:map[] message:Teapot. status:418]`},
		{"in the check", "POST", "record.validate<|field|title|validation_bad|Bad.", 400, `map[data:map[title:map[code:validation_bad message:Bad.]] message:Failed to create record. status:400]`},
		{"around the statement", "POST", "record.create.execute<|reject|500|sorry", 500, `map[data:map[] message:Sorry. status:500]`},
		{"an update", "PATCH", "record.update<|field|title|validation_bad|Bad.", 400, `map[data:map[title:map[code:validation_bad message:Bad.]] message:Failed to update record. status:400]`},
		{"an update's request", "PATCH", "record.update.request<|reject|429|", 429, `map[data:map[] message:Too Many Requests. status:429]`},
		{"a status that is none", "POST", "record.create<|reject|200|fine", 500, `map[data:map[] message:Something went wrong while processing your request. status:500]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			path := "/api/collections/posts/records"
			if test.method == "PATCH" {
				path += "/" + id
			}
			status, out := g.send(test.method, path, with(`"title":"x"`, test.line))
			if status != test.status || fmt.Sprint(out) != test.envelope {
				t.Errorf("%d %v\nwant %d %s", status, out, test.status, test.envelope)
			}
			if n := g.count("posts"); n != 1 {
				t.Errorf("%d records", n)
			}
		})
	}
	if _, out := g.send("GET", "/api/collections/posts/records/"+id, ""); out["title"] != "" {
		t.Errorf("changed: %v", out)
	}
	// Deletions.
	_, out := g.send("POST", "/api/collections/posts/records", with("", "record.delete<|reject|409|never"))
	id = out["id"].(string)
	if status, out := g.send("DELETE", "/api/collections/posts/records/"+id, ""); status != 409 || fmt.Sprint(out) != `map[data:map[] message:Never. status:409]` {
		t.Errorf("%d %v", status, out)
	}
	// After the outcome a no changes nothing, for nobody.
	for _, event := range []string{"record.create.success<", "record.create.success>"} {
		before := g.count("posts")
		if status, out := g.send("POST", "/api/collections/posts/records", with("", event+"|reject|400|late")); status != 200 || g.count("posts") != before+1 {
			t.Errorf("%s %d %v", event, status, out)
		}
	}
	// On the way out the row is there already.
	before := g.count("posts")
	if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create>|reject|400|late")); status != 400 || out["message"] != "Late." || g.count("posts") != before+1 {
		t.Errorf("%d %v", status, out)
	}
}

// Around what runs both phases, with what one leaves for the other, and what is inside of what.
func TestGuestPhasesAndOrder(t *testing.T) {
	g := newGuests(t, "probe", "second")
	g.posts("posts")
	note := func(name string) func(e *writes.RecordEvent) error {
		return func(e *writes.RecordEvent) error {
			e.Record.Set("title", e.Record.Text("title")+name)
			return e.Next()
		}
	}
	g.app.Hooks.OnRecordCreate("posts").Bind(&hooks.Handler[*writes.RecordEvent]{Func: note("0"), Priority: 0})
	g.app.Hooks.OnRecordCreate("posts").Bind(&hooks.Handler[*writes.RecordEvent]{Func: note("9"), Priority: 9})
	g.app.Hooks.OnRecordCreate("posts").Bind(&hooks.Handler[*writes.RecordEvent]{Func: note("-"), Priority: -9})
	var lines []string
	for _, event := range []string{"record.create.request", "record.create", "record.validate", "record.create.execute", "record.create.success", "record.enrich"} {
		lines = append(lines, event+"<|seen|"+event+"{", event+"<|state|from "+event, event+">|tellstate", event+">|seen|}")
	}
	lines = append(lines, "record.create<|add|title|p")
	status, out := g.send("POST", "/api/collections/posts/records", with("", lines...))
	if status != 200 || out["title"] != "-p0p9" {
		t.Errorf("%d %v", status, out)
	}
	open := func(event string) []string {
		return []string{"probe seen=" + event + "{", "second seen=" + event + "{"}
	}
	shut := func(event string) []string {
		return []string{"second tellstate=from " + event, "second seen=}", "probe tellstate=from " + event, "probe seen=}"}
	}
	var want []string
	for _, part := range [][]string{
		open("record.create.request"), open("record.create"), open("record.validate"), shut("record.validate"),
		open("record.create.execute"), shut("record.create.execute"), shut("record.create"),
		open("record.create.success"), shut("record.create.success"), open("record.enrich"), shut("record.enrich"), shut("record.create.request"),
	} {
		want = append(want, part...)
	}
	g.expect(want...)
	// What fails inside skips the way out.
	status, _ = g.send("POST", "/api/collections/posts/records", with(`"slug":"much longer than that is"`, "record.create<|seen|in", "record.create>|seen|out",
		"record.create.error<|seen|failed", "record.create.error<|failure", "record.create.error>|seen|out of it", "record.create.success<|seen|never"))
	if status != 400 {
		t.Error(status)
	}
	const why = "failure=slug: Must be no more than 20 character(s)."
	g.expect("probe seen=in", "second seen=in", "probe seen=failed", "probe "+why, "second seen=failed", "second "+why, "second seen=out of it", "probe seen=out of it")
}

// Hooks with names of collections run for these only.
func TestGuestTags(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	g.posts("tagged")
	for collection, want := range map[string]string{"posts": "", "tagged": "t"} {
		if status, out := g.send("POST", "/api/collections/"+collection+"/records", with("", "tagged<|add|title|t")); status != 200 || out["title"] != want {
			t.Errorf("%s: %d %v", collection, status, out)
		}
	}
}

// Hooks see the request, and who makes it.
func TestGuestSeesTheRequest(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	lines := func(event string) (out []string) {
		for _, part := range []string{"0|", "1|", "2|collection", "3|q", "3|nope", "4|x-mark", "4|nope", "6|", "7|", "8|"} {
			out = append(out, event+"|request|"+part)
		}
		return append(out, event+"|auth", event+"|superuser")
	}
	said := func(auth, superuser string) (out []string) {
		for _, text := range []string{"request=POST", "request=/api/collections/posts/records", "request=posts", "request=a b", "request=NOT_FOUND not there", "request=here", "request=NOT_FOUND not there", "request=127.0.0.1",
			"request=/api/collections/posts/records?q=a%20b", "request=default", "auth=" + auth, "superuser=" + superuser} {
			out = append(out, "probe "+text)
		}
		return out
	}
	token := g.token("users", "a@x.test")
	user, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "a@x.test"))
	if err != nil {
		t.Fatal(err)
	}
	root := g.superuser()
	admin, err := g.app.Records.FindFirst(t.Context(), "_superusers", find("email", "root@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{"record.create.request<", "record.create<", "record.create.success<"} {
		for _, who := range []struct{ token, id, superuser string }{{"", "NOT_FOUND nobody is signed in", "0"}, {token, user.ID(), "0"}, {root, admin.ID(), "1"}} {
			header := map[string][]string{"X-Mark": {"here"}, "Content-Type": {"application/json"}, "Authorization": {who.token}}
			status, _, raw := g.raw("POST", "/api/collections/posts/records?q=a%20b", with("", lines(event)...), header)
			if status != 200 {
				t.Fatalf("%d %s", status, raw)
			}
			g.expect(said(who.id, who.superuser)...)
		}
	}
	// The body is what was sent.
	if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create.request<|request|5|")); status != 200 {
		t.Fatal(status, out)
	}
	if got := g.log.told(); len(got) != 1 || got[0] != `probe request={"script":"record.create.request\u003c\trequest\t5\t"}` {
		t.Errorf("%q", got)
	}
	// Where no request is, there is none.
	r, err := g.app.Records.New("posts")
	if err != nil {
		t.Fatal(err)
	}
	r.Set("script", script("record.create<|request|0|", "record.create<|auth", "record.create<|superuser"))
	if err := g.app.Records.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	g.expect("probe request=CONTEXT there is no request", "probe auth=CONTEXT there is no request", "probe superuser=CONTEXT there is no request")
}
