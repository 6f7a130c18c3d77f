package troupe_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/troupebase/troupe"
)

// A program that serves a data directory until its context ends, which a signal would do.
func ExampleApp_Run() {
	dir, err := os.MkdirTemp("", "troupe-example-")
	check(err)
	defer os.RemoveAll(dir)
	app := troupe.New(troupe.Options{Dir: filepath.Join(dir, "data")})

	ctx, stop := context.WithCancel(context.Background())
	// Run does the same, without telling where it listens.
	err = app.RunWith(ctx, "127.0.0.1:0", func(addr net.Addr) error {
		defer stop()
		status, _ := fetch("GET", "http://"+addr.String()+"/api/health", "")
		fmt.Println(status)
		return nil
	})
	check(err)
	// Output: 200
}

// A route of a program.
func ExampleApp_OnServe_route() {
	serve(func(app *troupe.App) {
		app.OnServe().BindFunc(func(e *troupe.ServeEvent) error {
			e.Router.GET("/hello/{name}", func(c *troupe.Context) error {
				return c.SendJSON(http.StatusOK, map[string]string{"hello": c.Param("name")})
			})
			return e.Next()
		})
	}, func(_ *troupe.App, base string) {
		fmt.Println(fetch("GET", base+"/hello/Ann", ""))
	})
	// Output: 200 {"hello":"Ann"}
}

// Middlewares stand around the routes of a group; one of them lets superusers pass only.
func ExampleApp_OnServe_middleware() {
	serve(func(app *troupe.App) {
		app.OnServe().BindFunc(func(e *troupe.ServeEvent) error {
			reports := e.Router.Group("/reports")
			reports.BindFunc(func(c *troupe.Context) error {
				c.SetHeader("Cache-Control", "no-store")
				return c.Next()
			})
			reports.GET("/posts", func(c *troupe.Context) error {
				n, err := e.App.CountRecords(c.Context(), "posts", troupe.Find{})
				if err != nil {
					return err
				}
				return c.String(http.StatusOK, fmt.Sprint("posts: ", n))
			}).Bind(troupe.SuperuserOnly())
			return e.Next()
		})
	}, func(app *troupe.App, base string) {
		status, _ := fetch("GET", base+"/reports/posts", "")
		fmt.Println(status)
		fmt.Println(fetch("GET", base+"/reports/posts", "", "Authorization", superuserToken(app)))
	})
	// Output:
	// 401
	// 200 posts: 0
}

// superuserToken makes a superuser and signs it in.
func superuserToken(app *troupe.App) string {
	root, err := app.NewRecord(troupe.SuperusersCollection)
	check(err)
	root.Set("email", "root@example.com")
	root.Set("password", "a-long-password")
	check(app.Save(context.Background(), root))
	token, err := app.NewAuthToken(root)
	check(err)
	return token
}

// A superuser, and a token to be one without a password.
func ExampleApp_NewAuthToken() {
	serve(func(*troupe.App) {}, func(app *troupe.App, base string) {
		status, _ := fetch("GET", base+"/api/collections", "")
		fmt.Println("a guest:", status)
		status, _ = fetch("GET", base+"/api/collections", "", "Authorization", superuserToken(app))
		fmt.Println("a superuser:", status)
	})
	// Output:
	// a guest: 401
	// a superuser: 200
}

// A route that asks who calls it.
func ExampleAuthRecord() {
	serve(func(app *troupe.App) {
		app.OnServe().BindFunc(func(e *troupe.ServeEvent) error {
			e.Router.GET("/whoami", func(c *troupe.Context) error {
				if who := troupe.AuthRecord(c); who != nil {
					return c.String(http.StatusOK, who.Text("email"))
				}
				return troupe.NewError(http.StatusUnauthorized, "Sign in first.")
			})
			return e.Next()
		})
	}, func(app *troupe.App, base string) {
		_, answer := fetch("GET", base+"/whoami", "")
		fmt.Println(strings.Contains(answer, "Sign in first."))
		_, answer = fetch("GET", base+"/whoami", "", "Authorization", superuserToken(app))
		fmt.Println(answer)
	})
	// Output:
	// true
	// root@example.com
}
