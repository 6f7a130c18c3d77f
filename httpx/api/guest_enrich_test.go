package api_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
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

// While a record is shown nothing can be written, and a failure shows nothing.
func TestGuestEnrichFailures(t *testing.T) {
	g := limitedGuests(t, shortLimits, "probe")
	g.posts("posts")
	const wrong = "Something went wrong while processing your request."
	tests := []struct {
		line    string
		status  int
		message string
		// written is the status for those who have just created the record, who must not be told to try again.
		written int
	}{
		{"record.enrich<|reject|403|not yours", 403, "Not yours.", 403},
		{"record.enrich>|reject|409|", 409, wrong, 409},
		{"record.enrich<|hostile|trap", 500, wrong, 500},
		{"record.enrich<|hostile|loop", 503, "The server is too busy, please try again.", 500},
	}
	for _, test := range tests {
		status, out := g.send("POST", "/api/collections/posts/records", with(`"title":"secret"`, test.line))
		if status != test.written || test.written == test.status && out["message"] != test.message || strings.Contains(fmt.Sprint(out), "secret") {
			t.Errorf("create, %s: %d %v", test.line, status, out)
		}
		status, out = g.send("GET", "/api/collections/posts/records", "")
		if status != test.status || out["message"] != test.message || strings.Contains(fmt.Sprint(out), "secret") {
			t.Errorf("list, %s: %d %v", test.line, status, out)
		}
		g.empty("posts")
	}
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
