package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
)

// enriched is what a probe does to a record that is shown.
var enriched = []string{"record.enrich<|hide|title", "record.enrich<|show|h", `record.enrich<|setjson|computed|{"a":1}`, "record.enrich<|set|t|shown", "record.enrich>|set|plain|p", "record.enrich>|request|8|"}

// checkEnriched looks at a record that went through enriched.
func checkEnriched(t *testing.T, where string, shown map[string]any) {
	t.Helper()
	_, title := shown["title"]
	if title || shown["h"] != "hidden" || fmt.Sprint(shown["computed"]) != "map[a:1]" || shown["t"] != "shown" || shown["plain"] != "p" {
		t.Errorf("%s: %v", where, shown)
	}
}

// What a guest hides, shows and adds holds wherever the record is shown, and changes nothing of what is stored.
func TestGuestEnrichesRecords(t *testing.T) {
	g := newGuests(t, "probe")
	docs := g.collection(`{"name":"docs","type":"base","fields":[{"name":"script","type":"text"},{"name":"title","type":"text"},{"name":"t","type":"text"},{"name":"h","type":"text","hidden":true}]}`)
	g.collection(`{"name":"links","type":"base","fields":[{"name":"to","type":"relation","collectionId":"` + docs.ID + `","maxSelect":1}]}`)
	stream := g.listen("docs/*")
	status, made := g.send("POST", "/api/collections/docs/records", with(`"title":"secret","t":"x"`, append(enriched, "record.create<|set|h|hidden")...))
	if status != 200 {
		t.Fatal(status, made)
	}
	checkEnriched(t, "create", made)
	g.expectSituations("default", "realtime")
	checkEnriched(t, "realtime", stream.record())
	id := made["id"].(string)
	_, out := g.send("GET", "/api/collections/docs/records/"+id, "")
	checkEnriched(t, "view", out)
	_, out = g.send("GET", "/api/collections/docs/records", "")
	checkEnriched(t, "list", out["items"].([]any)[0].(map[string]any))
	_, out = g.send("PATCH", "/api/collections/docs/records/"+id, `{"title":"other"}`)
	checkEnriched(t, "update", out)
	checkEnriched(t, "realtime", stream.record())
	// A superuser sees what was hidden before the server's own part.
	if _, out := g.sendAs(g.superuser(), "GET", "/api/collections/docs/records/"+id, ""); out["title"] != "other" || out["plain"] != "p" {
		t.Errorf("for a superuser: %v", out)
	}
	g.log.told()
	_, out = g.send("POST", "/api/collections/links/records?expand=to", `{"to":"`+id+`"}`)
	checkEnriched(t, "expand", out["expand"].(map[string]any)["to"].(map[string]any))
	g.expectSituations("expand")
	if r, err := g.app.Records.FindByID(t.Context(), "docs", id); err != nil || r.Text("t") != "x" || r.Text("title") != "other" {
		t.Errorf("stored %v, %v", r, err)
	}
}

// expectSituations compares where the probe was asked to enrich; want is sorted.
func (g *guestRig) expectSituations(want ...string) {
	g.t.Helper()
	var got []string
	eventually(g.t, fmt.Sprint("enriched for ", want), func() bool {
		for _, line := range g.log.told() {
			if name, ok := strings.CutPrefix(line, "probe request="); ok {
				got = append(got, name)
			}
		}
		return len(got) >= len(want)
	})
	slices.Sort(got)
	if !slices.Equal(got, want) {
		g.t.Errorf("enriched for %q, want %q", got, want)
	}
}

// bare tells whether a record is shown with its id and collection alone.
func bare(shown any) bool {
	r, ok := shown.(map[string]any)
	return ok && len(r) == 3 && r["id"] != "" && r["collectionId"] != "" && r["collectionName"] != ""
}

// TestGuestEnrichFailures: a record whose hook fails, in whatever way, is shown with its id and collection alone, to everybody; the list goes on, and the log hears of it.
func TestGuestEnrichFailures(t *testing.T) {
	for _, line := range []string{"record.enrich<|reject|403|not yours", "record.enrich>|reject|409|", "record.enrich<|hostile|trap", "record.enrich>|hostile|trap", "record.enrich<|hostile|loop", "record.enrich<|hostile|calls"} {
		t.Run(line, func(t *testing.T) {
			g := limitedGuests(t, shortLimits, "probe")
			g.posts("posts")
			stream := g.listen("posts/*")
			status, made := g.send("POST", "/api/collections/posts/records", with(`"title":"secret"`, "record.enrich<|set|title|secret", line, "record.enrich>|set|more|secret"))
			if status != 200 || !bare(made) {
				t.Fatalf("create: %d %v", status, made)
			}
			if got := stream.record(); !bare(got) {
				t.Errorf("realtime: %v", got)
			}
			for _, title := range []string{"a", "b"} {
				if status, out := g.send("POST", "/api/collections/posts/records", with(`"title":"`+title+`"`)); status != 200 || out["title"] != title {
					t.Fatalf("another record: %d %v", status, out)
				}
			}
			for _, token := range []string{"", g.superuser()} {
				status, out := g.sendAs(token, "GET", "/api/collections/posts/records?sort=@rowid", "")
				items := out["items"].([]any)
				if status != 200 || len(items) != 3 || out["totalItems"] != 3.0 || !bare(items[0]) || items[1].(map[string]any)["title"] != "a" || items[2].(map[string]any)["title"] != "b" {
					t.Errorf("list: %d %v", status, out)
				}
				if status, out := g.sendAs(token, "GET", "/api/collections/posts/records/"+made["id"].(string), ""); status != 200 || !bare(out) || out["id"] != made["id"] {
					t.Errorf("view: %d %v", status, out)
				}
			}
			g.named("shown with its id alone", "extension=probe", "event=record.enrich", "collection=posts")
		})
	}
}

// TestSuspendedEnrich: while the hook is suspended records are shown without their content, with few lines in the log however many they are.
func TestSuspendedEnrich(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.posts("posts")
	for i := range 200 {
		line := ""
		if i%2 == 0 {
			line = "record.enrich<|hostile|trap"
		}
		if err := g.saved("posts", script(line), fmt.Sprint("t", i)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		status, out := g.send("GET", "/api/collections/posts/records?perPage=500&sort=@rowid", "")
		if status != 200 || len(out["items"].([]any)) != 200 {
			t.Fatalf("%d %v", status, out)
		}
		for i, item := range out["items"].([]any) {
			if !bare(item) && (i%2 == 0 || item.(map[string]any)["title"] != fmt.Sprint("t", i)) {
				t.Fatalf("record %d: %v", i, item)
			}
		}
	}
	if n := g.logged("extension: a record is shown"); n < 1 || n > 3 {
		t.Errorf("%d lines say so", n)
	}
	for i := range failuresToSuspend {
		if err := g.saved("posts", script("record.enrich<|hostile|trap"), fmt.Sprint("x", i)); err != nil {
			t.Fatal(err)
		}
	}
	g.send("GET", "/api/collections/posts/records?perPage=500&sort=-@rowid&filter="+url.QueryEscape("title ~ 'x%'"), "")
	_, out := g.send("GET", "/api/collections/posts/records?perPage=1&sort=@rowid&filter="+url.QueryEscape("title = 't1'"), "")
	if item := out["items"].([]any)[0]; !bare(item) {
		t.Errorf("while the hook is suspended: %v", item)
	}
}

// failuresToSuspend is how many calls in a row have to fail.
const failuresToSuspend = 5

// saved makes a record without showing it.
func (g *guestRig) saved(collection, script, title string) error {
	r, err := g.app.Records.New(collection)
	if err != nil {
		return err
	}
	r.Set("script", script)
	r.Set("title", title)
	return g.app.Records.Save(g.t.Context(), r)
}

// TestWithheldRecordsElsewhere: what is withheld is withheld below others, at a sign-in, and from handlers further out, who cannot add to it; nothing is expanded below it.
func TestWithheldRecordsElsewhere(t *testing.T) {
	o := rigOptions{limits: shortLimits, bind: func(a *app.App) {
		h := &hooks.Handler[*writes.RecordEnrichEvent]{ID: "outer", Priority: -100, Func: func(e *writes.RecordEnrichEvent) error {
			if err := e.Next(); err != nil {
				return err
			}
			e.Shown.Show("title")
			if e.Shown.Withheld() {
				e.Shown.Record().Set("id", "another")
			}
			return e.Shown.Set("added", e.Shown.Record().Text("title"))
		}}
		a.Hooks.OnRecordEnrich().Bind(h)
	}}
	g := guestsWith(t, o, "probe")
	docs := g.collection(`{"name":"docs","type":"base","fields":[{"name":"script","type":"text"},{"name":"title","type":"text"}]}`)
	people := g.collection(`{"name":"people","type":"auth","fields":[{"name":"script","type":"text"},{"name":"title","type":"text"},{"name":"doc","type":"relation","collectionId":"` + docs.ID + `"}]}`)
	g.collection(`{"name":"links","type":"base","fields":[{"name":"to","type":"relation","collectionId":"` + people.ID + `"}]}`)
	_, doc := g.send("POST", "/api/collections/docs/records", `{"title":"inner"}`)
	if doc["added"] != "inner" {
		t.Fatalf("the outer handler does nothing: %v", doc)
	}
	trap, _ := json.Marshal(script("record.enrich<|hostile|trap"))
	status, who := g.send("POST", "/api/collections/people/records", `{"email":"a@example.com","password":"a-password-1234","passwordConfirm":"a-password-1234","title":"secret","doc":"`+doc["id"].(string)+`","script":`+string(trap)+`}`)
	if status != 200 || !bare(who) {
		t.Fatalf("create: %d %v", status, who)
	}
	if _, out := g.send("GET", "/api/collections/people/records/"+who["id"].(string)+"?expand=doc", ""); !bare(out) {
		t.Errorf("with an expand: %v", out)
	}
	status, out := g.send("POST", "/api/collections/links/records?expand=to.doc", `{"to":"`+who["id"].(string)+`"}`)
	if expand, _ := out["expand"].(map[string]any); status != 200 || expand == nil || !bare(expand["to"]) {
		t.Errorf("expanded: %d %v", status, out)
	}
	status, out = g.send("POST", "/api/collections/people/auth-with-password", `{"identity":"a@example.com","password":"a-password-1234"}`)
	if status != 200 || out["token"] == "" || !bare(out["record"]) || out["record"].(map[string]any)["id"] != who["id"] {
		t.Errorf("signed in: %d %v", status, out)
	}
}

// While a record is shown nothing can be written.
func TestGuestsWriteNothingWhileTheyShow(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.posts("posts")
	g.log.told()
	status, out := g.send("POST", "/api/collections/posts/records", with("", `record.enrich<|create|1|posts|{}|id`, "record.enrich<|sql|DELETE FROM posts|[]", "record.enrich<|sql|SELECT count(*) FROM posts|[]"))
	if status != 200 {
		t.Fatal(status, out)
	}
	const no = "CONTEXT nothing can be written while a record is shown"
	g.expect("probe create="+no, "probe sql="+no, "probe sql=[[1],0]")
}

// empty removes all records without hooks.
func (g *guestRig) empty(collection string) {
	g.t.Helper()
	if _, err := g.app.Console.Run(g.t.Context(), "DELETE FROM "+collection); err != nil {
		g.t.Fatal(err)
	}
}

// subscriber reads an event stream.
type subscriber struct {
	t     testing.TB
	lines *bufio.Scanner
}

// listen opens an event stream for topics.
func (g *rig) listen(topics ...string) *subscriber {
	g.t.Helper()
	return g.listenAs("", topics...)
}

// listenAs is listen with a token.
func (g *rig) listenAs(token string, topics ...string) *subscriber {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), "GET", g.base+"/api/realtime", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	end := time.AfterFunc(patience, func() { res.Body.Close() })
	g.t.Cleanup(func() {
		end.Stop()
		res.Body.Close()
	})
	l := &subscriber{g.t, bufio.NewScanner(res.Body)}
	var hello struct{ ClientID string }
	l.next(&hello)
	body, err := json.Marshal(map[string]any{"clientId": hello.ClientID, "subscriptions": topics})
	if err != nil {
		g.t.Fatal(err)
	}
	if status, out := g.sendAs(token, "POST", "/api/realtime", string(body)); status != 204 {
		g.t.Fatal(status, out)
	}
	return l
}

// next decodes the next message.
func (l *subscriber) next(into any) {
	l.t.Helper()
	for l.lines.Scan() {
		if data, ok := strings.CutPrefix(l.lines.Text(), "data:"); ok {
			if err := json.Unmarshal([]byte(data), into); err != nil {
				l.t.Fatal(err)
			}
			return
		}
	}
	l.t.Fatal("the stream ended: ", l.lines.Err())
}

// record returns the record of the next message.
func (l *subscriber) record() map[string]any {
	l.t.Helper()
	var m struct{ Record map[string]any }
	l.next(&m)
	return m.Record
}

// A guest can tell for whom a record is shown, also to subscribers, where no request is at hand.
func TestGuestEnrichesForSomebody(t *testing.T) {
	g := newGuests(t, "probe")
	g.posts("posts")
	token := g.token("users", "a@x.test")
	user, err := g.app.Records.FindFirst(t.Context(), "users", find("email", "a@x.test"))
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{"record.enrich<|request|8|", "record.enrich<|request|3|q", "record.enrich<|auth", "record.enrich<|superuser"}
	if status, out := g.sendAs(token, "POST", "/api/collections/posts/records?q=1", with("", lines...)); status != 200 {
		t.Fatal(status, out)
	}
	g.expect("probe request=default", "probe request=1", "probe auth="+user.ID(), "probe superuser=0")
	if status, out := g.sendAs(g.superuser(), "GET", "/api/collections/posts/records?q=2", ""); status != 200 {
		t.Fatal(status, out)
	}
	if got := g.log.told(); len(got) != 4 || got[1] != "probe request=2" || got[3] != "probe superuser=1" {
		t.Errorf("%q", got)
	}
	stream := g.listenAs(token, "posts/*")
	if _, err := g.app.Console.Run(t.Context(), "DELETE FROM posts"); err != nil {
		t.Fatal(err)
	}
	r, err := g.app.Records.New("posts")
	if err != nil {
		t.Fatal(err)
	}
	r.Set("script", script(lines...))
	if err := g.app.Records.Save(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	stream.record()
	g.expect("probe request=realtime", "probe request=NOT_FOUND not there", "probe auth="+user.ID(), "probe superuser=0")
}
