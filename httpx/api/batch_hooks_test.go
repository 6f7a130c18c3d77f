package api_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/settings"
)

// allowBatches switches them on.
func (g *rig) allowBatches() {
	g.t.Helper()
	_, err := g.app.Settings.Save(g.t.Context(), func(s *settings.Settings) error { s.Batch.Enabled = true; return nil })
	if err != nil {
		g.t.Fatal(err)
	}
}

// part is a request of a batch.
func part(method, path, body string) string {
	if body == "" {
		body = "{}"
	}
	return fmt.Sprintf(`{"method":%q,"url":"/api/collections/%s","body":%s}`, method, path, body)
}

// sendBatch sends a batch and returns the status and the answer, which is a list after a success.
func (g *rig) sendBatch(parts ...string) (int, string) {
	g.t.Helper()
	status, _, raw := g.raw("POST", "/api/batch", `{"requests":[`+strings.Join(parts, ",")+`]}`, http.Header{"Content-Type": {"application/json"}})
	return status, string(raw)
}

// TestBatchSequence is extension-surface.md 4.4: each request runs inside of the one before, what comes after all of them
// after the commit.
func TestBatchSequence(t *testing.T) {
	g := newRig(t, nil)
	g.allowBatches()
	g.collection(posts)
	old := g.make("posts", `{"title":"old"}`)
	gone := g.make("posts", `{"title":"gone"}`)
	l := g.witness("posts")
	r := record(g.app)
	r.after["Create"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
		r.note(e.Record.Text("title"))
		if got := g.ids("posts"); len(got) != 2 {
			t.Errorf("outside of the transaction are %v already", got)
		}
		return nil
	}
	r.before["AfterCreateSuccess"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
		r.note(e.Record.Text("title"))
		if got := g.ids("posts"); len(got) != 4 {
			t.Errorf("after the commit are %v", got)
		}
		return nil
	}
	status, out := g.sendBatch(
		part("POST", "posts/records", `{"title":"a"}`), part("PATCH", "posts/records/"+old, `{"title":"new"}`),
		part("PUT", "posts/records", `{"id":"`+old+`","title":"newer"}`), part("PUT", "posts/records", `{"id":"fromput00000001","title":"b"}`),
		part("DELETE", "posts/records/"+gone, ""), part("POST", "posts/records", `{"title":"gone"}`))
	if status != 200 {
		t.Fatalf("%d %s", status, out)
	}
	var answers []struct {
		Status int
		Body   map[string]any
	}
	if err := json.Unmarshal([]byte(out), &answers); err != nil {
		t.Fatal(err)
	}
	for i, want := range []any{"a", "new", "newer", "b", nil, "gone"} {
		if answers[i].Body["title"] != want {
			t.Errorf("answer %d is %v, want %v", i, answers[i], want)
		}
	}
	r.compare(t, `
		CreateRequest{ Create{ Validate{} CreateExecute{} a}
		UpdateRequest{ Update{ Validate{} UpdateExecute{} }
		UpdateRequest{ Update{ Validate{} UpdateExecute{} }
		CreateRequest{ Create{ Validate{} CreateExecute{} b}
		DeleteRequest{ Delete{ DeleteExecute{} }
		CreateRequest{ Create{ Validate{} CreateExecute{} gone}
		} } } } } }
		AfterCreateSuccess{a} AfterUpdateSuccess{} AfterUpdateSuccess{} AfterCreateSuccess{b} AfterDeleteSuccess{} AfterCreateSuccess{gone}`)
	l.compare("create posts", "update posts", "update posts", "create posts", "delete posts", "create posts")
}

// The requests of batches that fail.
var (
	postA    = part("POST", "posts/records", `{"title":"a"}`)
	postB    = part("POST", "posts/records", `{"title":"b"}`)
	postC    = part("POST", "posts/records", `{"title":"c"}`)
	longPost = part("POST", "posts/records", `{"title":"much longer than twenty"}`)
)

// batchFailures are batches with what is injected, the index of the request that fails, and which hooks ran.
var batchFailures = []struct {
	name   string
	parts  []string
	inject func(r *recorder)
	index  int
	want   string
	causes int
}{
	{"validation of the third", []string{postA, postB, longPost, postC}, nil, 2, `
		CreateRequest{ Create{ Validate{} CreateExecute{} } CreateRequest{ Create{ Validate{} CreateExecute{} }
		CreateRequest{ Create{ Validate{!} ! } AfterCreateError{} ! } ! } ! }
		AfterCreateError{} AfterCreateError{}`, 2},
	{"the statement of the second", []string{postA, postA}, nil, 1, `
		CreateRequest{ Create{ Validate{} CreateExecute{} }
		CreateRequest{ Create{ Validate{} CreateExecute{!} ! } AfterCreateError{} ! } ! }
		AfterCreateError{}`, 1},
	{"an unknown record", []string{postA, part("PATCH", "posts/records/unknown", "")}, nil, 1,
		`CreateRequest{ Create{ Validate{} CreateExecute{} } ! } AfterCreateError{}`, 1},
	{"the first", []string{longPost, postA}, nil, 0, `CreateRequest{ Create{ Validate{!} ! } AfterCreateError{} ! }`, 0},
	{"a request hook after next", []string{postA, postB}, func(r *recorder) {
		r.after["CreateRequest"] = func(_ *writes.RecordEvent, e *writes.RecordRequestEvent) error {
			if e.Record.Text("title") == "a" {
				return errNo
			}
			return nil
		}
	}, 0, `CreateRequest{ Create{ Validate{} CreateExecute{} } CreateRequest{ Create{ Validate{} CreateExecute{} } } }
		AfterCreateError{} AfterCreateError{}`, 2},
	{"a hook after next of create", []string{postA, postB}, func(r *recorder) {
		r.after["Create"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
			if e.Record.Text("title") == "b" {
				return errNo
			}
			return nil
		}
	}, 1, `CreateRequest{ Create{ Validate{} CreateExecute{} } CreateRequest{ Create{ Validate{} CreateExecute{} } AfterCreateError{} ! } ! }
		AfterCreateError{}`, 1},
	{"a panic", []string{postA, postB}, func(r *recorder) {
		r.before["Create"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
			if e.Record.Text("title") == "b" {
				panic("boom")
			}
			return nil
		}
	}, 1, `CreateRequest{ Create{ Validate{} CreateExecute{} } CreateRequest{ Create{} AfterCreateError{} ! } ! } AfterCreateError{}`, 1},
}

// TestBatchFailure: whichever request fails, and whoever makes it fail, none is written, nobody hears of any, and the hooks
// after the writes are told why.
func TestBatchFailure(t *testing.T) {
	g := newRig(t, nil)
	g.allowBatches()
	g.collection(posts)
	l := g.witness("posts")
	r := record(g.app)
	var causes []string
	for _, row := range batchFailures {
		t.Run(row.name, func(t *testing.T) {
			r.reset()
			causes = nil
			r.before["AfterCreateError"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
				var failed *records.BatchError
				if errors.As(e.Error, &failed) {
					if failed.Index != row.index {
						t.Errorf("the cause is %v", e.Error)
					}
					causes = append(causes, failed.Error())
				} else if e.Error == nil {
					t.Error("no cause")
				}
				return nil
			}
			if row.inject != nil {
				row.inject(r)
			}
			status, out := g.sendBatch(row.parts...)
			var answer struct {
				Message string
				Data    struct {
					Requests map[string]struct{ Code string }
				}
			}
			if err := json.Unmarshal([]byte(out), &answer); err != nil {
				t.Fatal(err)
			}
			if status != 400 || answer.Message != "Batch transaction failed." || answer.Data.Requests[fmt.Sprint(row.index)].Code != "batch_request_failed" {
				t.Errorf("%d %s", status, out)
			}
			r.compare(t, row.want)
			if len(causes) != row.causes {
				t.Errorf("causes %q", causes)
			}
			l.compare()
			if got := g.ids("posts"); len(got) != 0 {
				t.Errorf("written: %v", got)
			}
		})
	}
}

// TestBatchWhereHooksKeepQuiet: a request that a hook keeps from happening, or whose failure it swallows, leaves the others;
// but whoever swallows the failure of another request saves nothing.
func TestBatchWhereHooksKeepQuiet(t *testing.T) {
	a, b, c := part("POST", "posts/records", `{"title":"a"}`), part("POST", "posts/records", `{"title":"b"}`), part("POST", "posts/records", `{"title":"c"}`)
	for _, row := range []struct {
		name string
		hook func(e *writes.RecordRequestEvent) error
		want int // records; -1 is a failure
	}{
		{"omits next", func(e *writes.RecordRequestEvent) error {
			if e.Record.Text("title") == "b" {
				return nil
			}
			return e.Next()
		}, 2},
		{"swallows its own failure", func(e *writes.RecordRequestEvent) error {
			if e.Record.Text("title") == "b" {
				e.Record.Set("title", "much longer than twenty")
				_ = e.Next()
				return nil
			}
			return e.Next()
		}, 2},
		{"swallows the failure of another", func(e *writes.RecordRequestEvent) error {
			if e.Record.Text("title") == "b" {
				e.Record.Set("title", "much longer than twenty")
				return e.Next()
			}
			_ = e.Next()
			return nil
		}, -1},
	} {
		t.Run(row.name, func(t *testing.T) {
			g := newRig(t, nil)
			g.allowBatches()
			g.collection(posts)
			g.app.Hooks.OnRecordCreateRequest().BindFunc(row.hook)
			status, out := g.sendBatch(a, b, c)
			if (status == 200) != (row.want >= 0) {
				t.Errorf("%d %s", status, out)
			}
			if got := g.ids("posts"); len(got) != max(row.want, 0) {
				t.Errorf("written: %v", got)
			}
		})
	}
}

// TestWriteInsideABatchsHook is a part of the batch.
func TestWriteInsideABatchsHook(t *testing.T) {
	g := newRig(t, nil)
	g.allowBatches()
	g.collection(posts)
	logs := g.collection(`{"name":"logs","type":"base","fields":[{"name":"t","type":"text"}]}`)
	for _, stage := range []string{"request", "create", "execute", "validate"} {
		write := func(e *writes.RecordEvent, rq *writes.RecordRequestEvent) error {
			cmd, err := g.app.Store.PrepareCreate(t.Context(), records.WriteInput{CollectionID: logs.ID, SkipRules: true})
			if err != nil {
				return err
			}
			if e != nil {
				return g.app.Writes.DoCommand(e.Context(), logs, cmd, "hook")
			}
			return g.app.Writes.DoCommand(rq.Context(), logs, cmd, "hook")
		}
		first := func(e *writes.RecordEvent) error {
			if err := write(e, nil); err != nil {
				return err
			}
			return e.Next()
		}
		switch stage {
		case "request":
			g.app.Hooks.OnRecordCreateRequest("posts").BindFunc(func(e *writes.RecordRequestEvent) error {
				if err := write(nil, e); err != nil {
					return err
				}
				return e.Next()
			})
		case "create":
			g.app.Hooks.OnRecordCreate("posts").BindFunc(first)
		case "execute":
			g.app.Hooks.OnRecordCreateExecute("posts").BindFunc(first)
		case "validate":
			g.app.Hooks.OnRecordValidate("posts").BindFunc(first)
		}
		ok := part("POST", "posts/records", `{"title":"`+stage+`"}`)
		if status, out := g.sendBatch(ok, part("PATCH", "posts/records/unknown", "")); status != 400 || len(g.ids("logs")) != 0 {
			t.Errorf("%s: %d %s, %d logs", stage, status, out, len(g.ids("logs")))
		}
		if status, out := g.sendBatch(ok); status != 200 || len(g.ids("logs")) != 1 {
			t.Errorf("%s: %d %s, %d logs", stage, status, out, len(g.ids("logs")))
		}
		g.app.Hooks.OnRecordCreateRequest().UnbindAll()
		g.app.Hooks.OnRecordCreate().UnbindAll()
		g.app.Hooks.OnRecordCreateExecute().UnbindAll()
		g.app.Hooks.OnRecordValidate().UnbindAll()
		for _, id := range g.ids("logs") {
			g.send("DELETE", "/api/collections/logs/records/"+id, "")
		}
	}
}

// TestBatchHooksSeeTheirRequest: the request of a hook is the part of the batch, not the batch.
func TestBatchHooksSeeTheirRequest(t *testing.T) {
	g := newRig(t, nil)
	g.allowBatches()
	g.collection(posts)
	g.app.Hooks.OnRecordCreateRequest().BindFunc(func(e *writes.RecordRequestEvent) error {
		q, _ := e.Request.QueryLookup("x")
		body, err := e.Body()
		if e.Request.Method() != "POST" || e.Request.Path() != "/api/collections/posts/records" || e.Request.Param("collection") != "posts" ||
			q != "1" || err != nil || string(body) != `{"title":"a"}` || writes.RequestOf(e.Context()) == nil {
			t.Errorf("%s %s %q %q %v %s", e.Request.Method(), e.Request.URI(), e.Request.Param("collection"), q, err, body)
		}
		return e.Next()
	})
	if status, out := g.sendBatch(part("POST", "posts/records?x=1", `{"title":"a"}`)); status != 200 {
		t.Errorf("%d %s", status, out)
	}
}
