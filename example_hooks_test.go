package troupe_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/troupebase/troupe"
)

// A hook completes each new post before it is written.
func ExampleApp_OnRecordCreate() {
	app, done := open(func(app *troupe.App) {
		app.OnRecordCreate("posts").BindFunc(func(e *troupe.RecordEvent) error {
			e.Record.Set("slug", strings.ReplaceAll(strings.ToLower(e.Record.Text("title")), " ", "-"))
			return e.Next()
		})
	})
	defer done()

	fmt.Println(newPost(context.Background(), app, "Hello World").Text("slug"))
	// Output: hello-world
}

// A hook refuses a post: clients and programs see its error.
func ExampleApp_OnRecordValidate_refuse() {
	app, done := open(func(app *troupe.App) {
		app.OnRecordValidate("posts").BindFunc(func(e *troupe.RecordEvent) error {
			if strings.Contains(e.Record.Text("title"), "spam") {
				refused := troupe.NewError(http.StatusBadRequest, "Not that.")
				refused.Data = troupe.FieldErrors{"title": troupe.NewFieldError("validation_spam", "Please no spam.")}
				return refused
			}
			return e.Next()
		})
	})
	defer done()

	post, err := app.NewRecord("posts")
	check(err)
	post.Set("title", "much spam")
	err = app.Save(context.Background(), post)
	var refused *troupe.Error
	fmt.Println(errors.As(err, &refused), refused.Message)
	fmt.Println(troupe.OutcomeOf(err) == troupe.Judged)
	// Output:
	// true Not that.
	// true
}

// A hook that writes something else, in the transaction of what it is around: with the event's context.
func ExampleRecordEvent_Context() {
	app, done := open(func(app *troupe.App) {
		app.OnRecordDelete("posts").BindFunc(func(e *troupe.RecordEvent) error {
			line, err := e.App.NewRecord("logs")
			if err != nil {
				return err
			}
			line.Set("text", "deleted "+e.Record.Text("title"))
			if err := e.App.Save(e.Context(), line); err != nil {
				return err
			}
			return e.Next()
		})
	})
	defer done()

	ctx := context.Background()
	check(app.Delete(ctx, newPost(ctx, app, "one")))
	line, err := app.FindFirstRecord(ctx, "logs", troupe.Find{})
	check(err)
	fmt.Println(line.Text("text"))
	// Output: deleted one
}

// A hook around a request of a client, which knows who asks.
func ExampleApp_OnRecordCreateRequest() {
	serve(func(app *troupe.App) {
		app.OnRecordCreateRequest("posts").BindFunc(func(e *troupe.RecordRequestEvent) error {
			if e.Request.Auth() == nil && e.Request.Header("X-Trap") != "" {
				return troupe.NewError(http.StatusForbidden, "No robots.")
			}
			return e.Next()
		})
	}, func(_ *troupe.App, base string) {
		posts := base + "/api/collections/posts/records"
		status, _ := fetch("POST", posts, `{"title": "by hand"}`)
		fmt.Println(status)
		status, _ = fetch("POST", posts, `{"title": "by robot"}`, "X-Trap", "1")
		fmt.Println(status)
	})
	// Output:
	// 200
	// 403
}

// A record is shown with a value that is worked out, and without a field.
func ExampleApp_OnRecordEnrich() {
	serve(func(app *troupe.App) {
		app.OnRecordEnrich("posts").BindFunc(func(e *troupe.RecordEnrichEvent) error {
			e.Shown.Hide("slug")
			if err := e.Shown.Set("popular", e.Shown.Record().Number("views") > 100); err != nil {
				return err
			}
			return e.Next()
		})
	}, func(app *troupe.App, base string) {
		post := newPost(context.Background(), app, "Hello")
		post.Set("views", 1000)
		check(app.Save(context.Background(), post))
		_, answer := fetch("GET", base+"/api/collections/posts/records/"+post.ID()+"?fields=title,views,slug,popular", "")
		fmt.Println(answer)
	})
	// Output: {"popular":true,"title":"Hello","views":1000}
}
