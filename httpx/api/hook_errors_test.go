package api_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// stagesThatFail bind a hook at a stage that returns what fail does.
func stagesThatFail(a *app.App, fail func() error) map[string]func() (unbind func()) {
	hook := func(e *writes.RecordEvent) error { return fail() }
	request := func(e *writes.RecordRequestEvent) error { return fail() }
	return map[string]func() (unbind func()){
		"create request": func() func() {
			id := a.Hooks.OnRecordCreateRequest().BindFunc(request)
			return func() { a.Hooks.OnRecordCreateRequest().Unbind(id) }
		},
		"create": func() func() {
			id := a.Hooks.OnRecordCreate().BindFunc(hook)
			return func() { a.Hooks.OnRecordCreate().Unbind(id) }
		},
		"validate": func() func() {
			id := a.Hooks.OnRecordValidate().BindFunc(hook)
			return func() { a.Hooks.OnRecordValidate().Unbind(id) }
		},
		"create execute": func() func() {
			id := a.Hooks.OnRecordCreateExecute().BindFunc(hook)
			return func() { a.Hooks.OnRecordCreateExecute().Unbind(id) }
		},
		"update": func() func() {
			id := a.Hooks.OnRecordUpdate().BindFunc(hook)
			return func() { a.Hooks.OnRecordUpdate().Unbind(id) }
		},
		"delete": func() func() {
			id := a.Hooks.OnRecordDelete().BindFunc(hook)
			return func() { a.Hooks.OnRecordDelete().Unbind(id) }
		},
	}
}

const wentWrong, notThere = "Something went wrong while processing your request.", "The requested resource wasn't found."

// hookErrors are errors of hooks and what a client sees of each.
var hookErrors = []struct {
	name    string
	err     func() error
	status  int
	message string // "" is that of the write
	data    string
}{
	{"plain", func() error { return errors.New("secret") }, 400, wentWrong, "map[]"},
	{"wrapped plain", func() error { return fmt.Errorf("more: %w", errors.New("secret")) }, 400, wentWrong, "map[]"},
	{"rejection", func() error { return &hooks.Rejection{Status: 418, Message: "no tea"} }, 418, "No tea.", "map[]"},
	{"rejection wrapped", func() error { return fmt.Errorf("secret: %w", &hooks.Rejection{Status: 403, Message: "not you"}) }, 403, "Not you.", "map[]"},
	{"rejection with fields", func() error {
		return &hooks.Rejection{Message: "look", Fields: validation.Errors{"title": validation.Required}}
	}, 400, "Look.",
		"map[title:map[code:validation_required message:Cannot be blank.]]"},
	{"http error", func() error { return httpx.NewError(http.StatusConflict, "taken") }, 409, "Taken.", "map[]"},
	{"http error wrapped", func() error { return fmt.Errorf("secret: %w", httpx.NewError(http.StatusUnauthorized, "")) }, 401,
		"Missing or invalid authentication.", "map[]"},
	{"no record", func() error { return fmt.Errorf("secret: %w", records.ErrNotFound) }, 404, notThere, "map[]"},
	{"no file", func() error { return &fs.PathError{Op: "open", Path: "secret", Err: fs.ErrNotExist} }, 404, notThere, "map[]"},
	{"overload", func() error { return fmt.Errorf("secret: %w", sqlite.ErrBusy) }, 503, "The server is too busy, please try again.", "map[]"},
	{"a deadline of its own", func() error { return fmt.Errorf("secret: %w", context.DeadlineExceeded) }, 503, "The server is too busy, please try again.", "map[]"},
	{"panic", func() error { panic("secret") }, 500, wentWrong, "map[]"},
}

// TestErrorsOfHooks is extension-surface.md 5: what a client sees of an error, at whichever stage of whichever write a hook
// made it.
func TestErrorsOfHooks(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	var fail func() error
	stages := stagesThatFail(g.app, func() error { return fail() })
	id := g.make("posts", `{"title":"there"}`)
	for _, c := range hookErrors {
		for stage, bind := range stages {
			t.Run(c.name+"/"+stage, func(t *testing.T) {
				fail = c.err
				defer bind()()
				method, path := "POST", "/api/collections/posts/records"
				switch stage {
				case "update":
					method, path = "PATCH", path+"/"+id
				case "delete":
					method, path = "DELETE", path+"/"+id
				}
				status, out := g.send(method, path, `{"title":"a"}`)
				if status != c.status || out["message"] != c.message || fmt.Sprint(out["data"]) != c.data {
					t.Errorf("%d %v", status, out)
				}
			})
		}
	}
	if got := g.ids("posts"); len(got) != 1 {
		t.Errorf("left are %v", got)
	}
}

// TestFieldErrorsOfHooks are shown like those of the server, with the message of the write.
func TestFieldErrorsOfHooks(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	g.app.Hooks.OnRecordValidate().BindFunc(func(e *writes.RecordEvent) error {
		err := e.Next()
		var fields validation.Errors
		if !errors.As(err, &fields) {
			fields = validation.Errors{}
		}
		return validation.Errors{"title": fields["title"], "slug": validation.New("own", "mine")}
	})
	status, out := g.send("POST", "/api/collections/posts/records", `{"title":"much longer than twenty"}`)
	data, _ := out["data"].(map[string]any)
	if status != 400 || out["message"] != "Failed to create record." || data["title"] == nil || fmt.Sprint(data["slug"]) != "map[code:own message:Mine.]" {
		t.Errorf("%d %v", status, out)
	}
}

// TestEndlessWritesOfHooks end, and the client is told with an error of its own request.
func TestEndlessWritesOfHooks(t *testing.T) {
	g := newRig(t, nil)
	c := g.collection(`{"name":"posts","type":"base"}`)
	var last error
	g.app.Hooks.OnRecordCreate().BindFunc(func(e *writes.RecordEvent) error {
		cmd, err := g.app.Store.PrepareCreate(e.Context(), records.WriteInput{CollectionID: c.ID, SkipRules: true})
		if err != nil {
			return err
		}
		if last = g.app.Writes.DoCommand(e.Context(), c, cmd, "hook"); last != nil {
			return last
		}
		return e.Next()
	})
	status, out := g.send("POST", "/api/collections/posts/records", `{}`)
	if status != 400 || !errors.Is(last, writes.ErrDepth) || len(g.ids("posts")) != 0 {
		t.Errorf("%d %v, %v", status, out, last)
	}
}

// TestErrorAfterTheAnswer of a request hook: the answer still waited to be sent, so the error takes its place; the record stays.
func TestErrorAfterTheAnswer(t *testing.T) {
	g := newRig(t, nil)
	g.collection(posts)
	g.app.Hooks.OnRecordCreateRequest().BindFunc(func(e *writes.RecordRequestEvent) error {
		if err := e.Next(); err != nil {
			return err
		}
		if e.Record.ID() == "" {
			t.Error("no id after next")
		}
		return errors.New("too late")
	})
	status, out := g.send("POST", "/api/collections/posts/records", `{"title":"a"}`)
	if status != 400 || out["title"] != nil || len(g.ids("posts")) != 1 {
		t.Errorf("%d %v, %d records", status, out, len(g.ids("posts")))
	}
}

// TestNobodyIsToldToTryAgainWhatIsWritten: 503 means that nothing was written.
func TestNobodyIsToldToTryAgainWhatIsWritten(t *testing.T) {
	busy := fmt.Errorf("of something else: %w", sqlite.ErrNotWritten)
	for name, bind := range map[string]func(a *app.App){
		"after success": func(a *app.App) {
			a.Hooks.OnRecordAfterCreateSuccess("posts").BindFunc(func(*writes.RecordEvent) error { return busy })
		},
		"after the write": func(a *app.App) {
			a.Hooks.OnRecordCreate("posts").BindFunc(func(e *writes.RecordEvent) error { return errors.Join(e.Next(), busy) })
		},
		"after the request": func(a *app.App) {
			a.Hooks.OnRecordCreateRequest("posts").BindFunc(func(e *writes.RecordRequestEvent) error { return errors.Join(e.Next(), busy) })
		},
		"shown": func(a *app.App) {
			a.Hooks.OnRecordEnrich("posts").BindFunc(func(e *writes.RecordEnrichEvent) error { return busy })
		},
	} {
		g := newRig(t, bind)
		g.collection(`{"name":"posts","type":"base","fields":[{"name":"title","type":"text"}]}`)
		status, out := g.send("POST", "/api/collections/posts/records", `{"title":"a"}`)
		if status != 500 {
			t.Errorf("%s: %d %v", name, status, out)
		}
		if n, err := g.app.Records.Count(t.Context(), "posts", programs.Find{}); n != 1 || err != nil {
			t.Errorf("%s: %d records, %v", name, n, err)
		}
	}
	g := newRig(t, func(a *app.App) {
		a.Hooks.OnRecordCreate("posts").BindFunc(func(*writes.RecordEvent) error { return busy })
	})
	g.collection(`{"name":"posts","type":"base","fields":[{"name":"title","type":"text"}]}`)
	if status, out := g.send("POST", "/api/collections/posts/records", `{"title":"a"}`); status != 503 {
		t.Errorf("before the write: %d %v", status, out)
	}
}
