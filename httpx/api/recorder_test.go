package api_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
)

// recorder notes which hooks ran, in the notation of extension-surface.md 4: "A{B{}}" is B inside of A's call of next.
type recorder struct {
	mu  sync.Mutex
	log strings.Builder
	// before and after run at a stage, around its call of next. skip are the stages that do not call it.
	before, after map[string]func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error
	skip          map[string]bool
	// named tells to note the collections, too.
	named bool
}

// record binds a recorder to all stages of all collections.
func record(a *app.App) *recorder {
	r := &recorder{}
	r.reset()
	kinds := map[string]struct {
		request          *hooks.Tagged[*writes.RecordRequestEvent]
		write, execute   *hooks.Tagged[*writes.RecordEvent]
		success, failure *hooks.Tagged[*writes.RecordEvent]
	}{
		"Create": {a.Hooks.OnRecordCreateRequest(), a.Hooks.OnRecordCreate(), a.Hooks.OnRecordCreateExecute(), a.Hooks.OnRecordAfterCreateSuccess(), a.Hooks.OnRecordAfterCreateError()},
		"Update": {a.Hooks.OnRecordUpdateRequest(), a.Hooks.OnRecordUpdate(), a.Hooks.OnRecordUpdateExecute(), a.Hooks.OnRecordAfterUpdateSuccess(), a.Hooks.OnRecordAfterUpdateError()},
		"Delete": {a.Hooks.OnRecordDeleteRequest(), a.Hooks.OnRecordDelete(), a.Hooks.OnRecordDeleteExecute(), a.Hooks.OnRecordAfterDeleteSuccess(), a.Hooks.OnRecordAfterDeleteError()},
	}
	for kind, k := range kinds {
		k.request.BindFunc(func(e *writes.RecordRequestEvent) error {
			return r.stage(kind+"Request", e.Collection.Name, e.Next, nil, e)
		})
		for stage, hook := range map[string]*hooks.Tagged[*writes.RecordEvent]{
			kind: k.write, kind + "Execute": k.execute, "After" + kind + "Success": k.success, "After" + kind + "Error": k.failure,
		} {
			hook.BindFunc(func(e *writes.RecordEvent) error { return r.stage(stage, e.Record.Collection.Name, e.Next, e, nil) })
		}
	}
	a.Hooks.OnRecordValidate().BindFunc(func(e *writes.RecordEvent) error {
		return r.stage("Validate", e.Record.Collection.Name, e.Next, e, nil)
	})
	return r
}

func (r *recorder) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.Reset()
	r.before = make(map[string]func(*writes.RecordEvent, *writes.RecordRequestEvent) error)
	r.after = make(map[string]func(*writes.RecordEvent, *writes.RecordRequestEvent) error)
	r.skip = make(map[string]bool)
}

func (r *recorder) note(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log.WriteString(s)
}

// taken returns what was noted and forgets it.
func (r *recorder) taken() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.log.String()
	r.log.Reset()
	return out
}

func (r *recorder) stage(name, collection string, next func() error, e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
	shown := name
	if r.named {
		shown += ":" + collection
	}
	r.note(shown + "{")
	defer r.note("}")
	if before := r.before[name]; before != nil {
		if err := before(e, rq); err != nil {
			return err
		}
	}
	if r.skip[name] {
		return nil
	}
	err := next()
	if err != nil {
		r.note("!")
	}
	if after := r.after[name]; after != nil && err == nil {
		return after(e, rq)
	}
	return err
}

// recordOf is the record of whichever event it is.
func recordOf(e *writes.RecordEvent, rq *writes.RecordRequestEvent) *records.Record {
	if e != nil {
		return e.Record
	}
	return rq.Record
}

// compare fails the test when the hooks did not run as wanted; blanks in want do not count.
func (r *recorder) compare(t *testing.T, want string) {
	t.Helper()
	if got, want := r.taken(), strings.Join(strings.Fields(want), ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// witness is a client of the event stream.
type witness struct {
	g      *rig
	events chan string
}

// witness subscribes to all records of the collections and of one that is called markers.
func (g *rig) witness(collections ...string) *witness {
	g.t.Helper()
	g.collection(`{"name":"markers","type":"base"}`)
	req, err := http.NewRequestWithContext(g.t.Context(), "GET", g.base+"/api/realtime", nil)
	if err != nil {
		g.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	l := &witness{g, make(chan string, 1000)}
	id := make(chan string, 1)
	go func() {
		defer res.Body.Close()
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		event := ""
		for lines.Scan() {
			if v, ok := strings.CutPrefix(lines.Text(), "event:"); ok {
				event = v
			}
			data, ok := strings.CutPrefix(lines.Text(), "data:")
			if !ok {
				continue
			}
			if event == "PB_CONNECT" {
				var connected struct{ ClientID string }
				_ = json.Unmarshal([]byte(data), &connected)
				id <- connected.ClientID
				continue
			}
			var change struct {
				Action string
				Record map[string]any
			}
			_ = json.Unmarshal([]byte(data), &change)
			collection, _ := change.Record["collectionName"].(string)
			l.events <- change.Action + " " + collection
		}
	}()
	topics := []string{`"markers/*"`}
	for _, c := range collections {
		topics = append(topics, `"`+c+`/*"`)
	}
	var client string
	select {
	case client = <-id:
	case <-time.After(20 * time.Second):
		g.t.Fatal("the stream did not begin")
	}
	status, out := g.send("POST", "/api/realtime", `{"clientId":"`+client+`","subscriptions":[`+strings.Join(topics, ",")+`]}`)
	if status != 204 {
		g.t.Fatalf("subscribe: %d %v", status, out)
	}
	return l
}

// heard returns the events of everything that was written before.
func (l *witness) heard() (list []string) {
	l.g.t.Helper()
	err := l.g.app.Writes.DoCommand(l.g.t.Context(), l.g.app.Catalogue.Current().Find("markers"), marker(l.g), "marker")
	if err != nil {
		l.g.t.Fatal(err)
	}
	for {
		select {
		case event := <-l.events:
			if event == "create markers" {
				return list
			}
			list = append(list, event)
		case <-time.After(20 * time.Second):
			l.g.t.Fatalf("no marker after %q", list)
		}
	}
}

func marker(g *rig) *records.Batch {
	g.t.Helper()
	cmd, err := g.app.Store.PrepareCreate(g.t.Context(), records.WriteInput{CollectionID: g.app.Catalogue.Current().Find("markers").ID, SkipRules: true})
	if err != nil {
		g.t.Fatal(err)
	}
	return &records.Batch{Commands: []records.Command{cmd}} // around which no hooks run
}

// compare fails the test when others than the wanted ones were heard.
func (l *witness) compare(want ...string) {
	l.g.t.Helper()
	if got := l.heard(); !slices.Equal(got, want) {
		l.g.t.Errorf("heard %q, want %q", got, want)
	}
}

// ids lists the ids in a collection.
func (g *rig) ids(collection string) (ids []string) {
	g.t.Helper()
	status, out := g.send("GET", "/api/collections/"+collection+"/records?sort=id&perPage=500", "")
	if status != 200 {
		g.t.Fatalf("list %s: %d %v", collection, status, out)
	}
	for _, item := range out["items"].([]any) {
		ids = append(ids, item.(map[string]any)["id"].(string))
	}
	return ids
}

// stored returns a record as it is, nil when there is none.
func (g *rig) stored(collection, id string) map[string]any {
	g.t.Helper()
	status, out := g.send("GET", "/api/collections/"+collection+"/records/"+id, "")
	if status != 200 {
		return nil
	}
	return out
}

// make creates a record and returns its id.
func (g *rig) make(collection, body string) string {
	g.t.Helper()
	status, out := g.send("POST", "/api/collections/"+collection+"/records", body)
	if status != 200 {
		g.t.Fatalf("create in %s: %d %v", collection, status, out)
	}
	return out["id"].(string)
}
