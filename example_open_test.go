package troupe_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupebase/troupe"
)

// collections are those of the examples.
const collections = `[
	{"name": "posts", "type": "base", "listRule": "", "viewRule": "", "createRule": "", "fields": [
		{"name": "title", "type": "text", "required": true}, {"name": "slug", "type": "text"},
		{"name": "views", "type": "number"}, {"name": "picture", "type": "file", "maxSelect": 1}]},
	{"name": "logs", "type": "base", "fields": [{"name": "text", "type": "text"}]}]`

// open makes an App with a data directory of its own and the collections of the examples.
func open(bind func(app *troupe.App)) (app *troupe.App, done func()) {
	dir, err := os.MkdirTemp("", "troupe-example-")
	check(err)
	app = troupe.New(troupe.Options{Dir: filepath.Join(dir, "data")})
	bind(app)
	ctx := context.Background()
	check(app.Bootstrap(ctx))
	check(app.ImportCollections(ctx, []byte(collections), false))
	return app, func() { check(errors.Join(app.Close(), os.RemoveAll(dir))) }
}

// serve runs an App, with the collections of the examples, for as long as use runs.
func serve(bind func(app *troupe.App), use func(app *troupe.App, base string)) {
	dir, err := os.MkdirTemp("", "troupe-example-")
	check(err)
	defer os.RemoveAll(dir)
	app := troupe.New(troupe.Options{Dir: filepath.Join(dir, "data")})
	bind(app)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	check(app.RunWith(ctx, "127.0.0.1:0", func(addr net.Addr) error {
		defer stop()
		if err := app.ImportCollections(ctx, []byte(collections), false); err != nil {
			return err
		}
		use(app, "http://"+addr.String())
		return nil
	}))
}

// newPost saves a post.
func newPost(ctx context.Context, app *troupe.App, title string) *troupe.Record {
	post, err := app.NewRecord("posts")
	check(err)
	post.Set("title", title)
	check(app.Save(ctx, post))
	return post
}

// fetch asks the server and returns status and body.
func fetch(method, address, body string, headers ...string) (int, string) {
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	check(err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	check(err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	check(err)
	return res.StatusCode, strings.TrimSpace(string(answer))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
