package troupe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupebase/troupe"
)

// open makes an App with a data directory of its own and a collection of posts.
func open(bind func(app *troupe.App)) (app *troupe.App, close func()) {
	dir, err := os.MkdirTemp("", "troupe-example-")
	if err != nil {
		log.Fatal(err)
	}
	app = troupe.New(troupe.Options{Dir: filepath.Join(dir, "data")})
	bind(app)
	if err := app.Bootstrap(context.Background()); err != nil {
		log.Fatal(err)
	}
	err = app.ImportCollections(context.Background(), []byte(`[{"name": "posts", "type": "base", "listRule": "", "createRule": "",
		"fields": [{"name": "title", "type": "text"}, {"name": "slug", "type": "text"}, {"name": "views", "type": "number"}]}]`), false)
	if err != nil {
		log.Fatal(err)
	}
	return app, func() {
		if err := errors.Join(app.Close(), os.RemoveAll(dir)); err != nil {
			log.Fatal(err)
		}
	}
}

// A hook completes each new post, and refuses some.
func ExampleApp_hooks() {
	app, done := open(func(app *troupe.App) {
		app.OnRecordCreate("posts").BindFunc(func(e *troupe.RecordEvent) error {
			if strings.Contains(e.Record.Text("title"), "spam") {
				refused := troupe.NewError(http.StatusBadRequest, "Not that.")
				refused.Data = troupe.FieldErrors{"title": troupe.NewFieldError("validation_spam", "Please no spam.")}
				return refused
			}
			e.Record.Set("slug", strings.ReplaceAll(strings.ToLower(e.Record.Text("title")), " ", "-"))
			return e.Next()
		})
	})
	defer done()

	ctx := context.Background()
	post, err := app.NewRecord("posts")
	if err != nil {
		log.Fatal(err)
	}
	post.Set("title", "Hello World")
	if err := app.Save(ctx, post); err != nil {
		log.Fatal(err)
	}
	fmt.Println(post.Text("slug"))

	spam, err := app.NewRecord("posts")
	if err != nil {
		log.Fatal(err)
	}
	spam.Set("title", "much spam")
	var refused *troupe.Error
	fmt.Println(errors.As(app.Save(ctx, spam), &refused), refused.Message)
	// Output:
	// hello-world
	// true Not that.
}

// All or nothing: what is read and written with the context of the transaction belongs to it.
func ExampleApp_runInTransaction() {
	app, done := open(func(*troupe.App) {})
	defer done()

	ctx := context.Background()
	errEnough := errors.New("enough")
	err := app.RunInTransaction(ctx, func(ctx context.Context) error {
		for _, title := range []string{"one", "two"} {
			post, err := app.NewRecord("posts")
			if err != nil {
				return err
			}
			post.Set("title", title)
			if err := app.Save(ctx, post); err != nil {
				return err
			}
		}
		n, err := app.CountRecords(ctx, "posts", troupe.Find{})
		if err != nil {
			return err
		}
		fmt.Println("inside:", n)
		return errEnough
	})
	fmt.Println(errors.Is(err, errEnough))
	n, err := app.CountRecords(ctx, "posts", troupe.Find{Filter: "title = {:t}", Params: map[string]any{"t": "one"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("after:", n)
	// Output:
	// inside: 2
	// true
	// after: 0
}

// A program with a route of its own, served until its context ends.
func ExampleApp_Run() {
	dir, err := os.MkdirTemp("", "troupe-example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	app := troupe.New(troupe.Options{Dir: filepath.Join(dir, "data")})
	app.OnServe().BindFunc(func(e *troupe.ServeEvent) error {
		e.Router.GET("/hello/{name}", func(c *troupe.Context) error {
			return c.SendJSON(http.StatusOK, map[string]string{"hello": c.Param("name")})
		})
		return e.Next()
	})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	// Run does the same, without telling where it listens.
	err = app.RunWith(ctx, "127.0.0.1:0", func(addr net.Addr) error {
		defer stop()
		res, err := http.Get("http://" + addr.String() + "/hello/Ann")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		fmt.Print(string(body))
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: {"hello":"Ann"}
}
