package troupe_test

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/troupebase/troupe"
)

// A filter with parameters, which may hold anything: they are never read as a part of the filter.
func ExampleApp_FindRecords() {
	app, done := open(func(*troupe.App) {})
	defer done()

	ctx := context.Background()
	for i, title := range []string{"one", "two", "three"} {
		post := newPost(ctx, app, title)
		post.Set("views", 10*i)
		check(app.Save(ctx, post))
	}
	posts, err := app.FindRecords(ctx, "posts", troupe.Find{
		Filter: "views >= {:min} && title != {:not}", Params: map[string]any{"min": 5, "not": `"||""="`}, Sort: "-views", Limit: 10,
	})
	check(err)
	for _, post := range posts {
		fmt.Println(post.Text("title"), post.Number("views"))
	}
	// Output:
	// three 20
	// two 10
}

// A record is changed: only what differs is written, and "views+" adds to what is stored by then.
func ExampleApp_Save() {
	app, done := open(func(*troupe.App) {})
	defer done()

	ctx := context.Background()
	post := newPost(ctx, app, "draft")
	post.Set("title", "final")
	post.Set("views+", 3)
	check(app.Save(ctx, post))

	stored, err := app.FindRecordByID(ctx, "posts", post.ID())
	check(err)
	fmt.Println(stored.Text("title"), stored.Number("views"))

	stored.Set("title", "")
	var fields troupe.FieldErrors
	fmt.Println(errors.As(app.Save(ctx, stored), &fields), fields["title"])
	// Output:
	// final 3
	// true Cannot be blank.
}

// A record is deleted.
func ExampleApp_Delete() {
	app, done := open(func(*troupe.App) {})
	defer done()

	ctx := context.Background()
	post := newPost(ctx, app, "short-lived")
	check(app.Delete(ctx, post))
	_, err := app.FindRecordByID(ctx, "posts", post.ID())
	fmt.Println(errors.Is(err, troupe.ErrNotFound))
	// Output: true
}

// A record gets a file, and it is read again.
func ExampleApp_SaveWithFiles() {
	app, done := open(func(*troupe.App) {})
	defer done()

	ctx := context.Background()
	post, err := app.NewRecord("posts")
	check(err)
	post.Set("title", "with a picture")
	check(app.SaveWithFiles(ctx, post, troupe.FileOf("picture", "cat.txt", []byte("meow"))))

	file, err := app.OpenFile(post, post.Text("picture"))
	check(err)
	defer file.Close()
	content, err := io.ReadAll(file)
	check(err)
	fmt.Println(file.Name, file.ContentType, string(content))
	// Output: cat.txt text/plain; charset=utf-8 meow
}

// All or nothing: what is read and written with the context of the transaction belongs to it.
func ExampleApp_RunInTransaction() {
	app, done := open(func(*troupe.App) {})
	defer done()

	ctx := context.Background()
	errEnough := errors.New("enough")
	err := app.RunInTransaction(ctx, func(ctx context.Context) error {
		newPost(ctx, app, "one")
		newPost(ctx, app, "two")
		n, err := app.CountRecords(ctx, "posts", troupe.Find{})
		if err != nil {
			return err
		}
		fmt.Println("inside:", n)
		return errEnough
	})
	fmt.Println(errors.Is(err, errEnough))
	n, err := app.CountRecords(ctx, "posts", troupe.Find{})
	check(err)
	fmt.Println("after:", n)
	// Output:
	// inside: 2
	// true
	// after: 0
}

// A program is told what was committed, by itself or by others.
func ExampleApp_Subscribe() {
	app, done := open(func(*troupe.App) {})
	defer done()

	ctx := context.Background()
	changes, err := app.Subscribe("posts/*")
	check(err)
	defer changes.Close()

	post := newPost(ctx, app, "news")
	check(app.Delete(ctx, post))
	for range 2 {
		change, err := changes.Next(ctx)
		check(err)
		fmt.Println(change.Action, change.Record.Text("title"))
	}
	// Output:
	// create news
	// delete news
}
