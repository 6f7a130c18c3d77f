package httpx

import (
	"bufio"
	"io"
	"strconv"
	"sync"
	"testing"
)

// TestRequestsKeepTheirTable swaps the table while a request is between its middlewares and its handler.
func TestRequestsKeepTheirTable(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	table := func(name string, wait bool) *Router {
		r, err := NewRouter([]*Route{{Method: "GET", Path: "/", Handler: arrived, Middlewares: []Middleware{trail(name+"-route", 0)}}},
			Middleware{Priority: -1, Func: func(c *Context) error {
				if wait {
					close(entered)
					<-leave
				}
				c.step(name)
				return c.Next()
			}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	w := startRouter(t, table("old", true), nil)
	c := w.dial()
	go io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	<-entered
	w.s.SetRouter(table("new", false))
	if got := w.get("GET", "/"); got.trail() != "new new-route handler /new-route" {
		t.Errorf("after: %q", got.trail())
	}
	if got := w.get("GET", "/nope"); got.trail() != "new" || got.StatusCode != 404 {
		t.Errorf("without a route: %d %q", got.StatusCode, got.trail())
	}
	close(leave)
	if got := w.read("GET", bufio.NewReader(c)); got.trail() != "old old-route handler /old-route" {
		t.Errorf("in flight: %q", got.trail())
	}
}

// TestTablesAreSwappedUnderLoad requires of every answer that all of it comes from one table.
func TestTablesAreSwappedUnderLoad(t *testing.T) {
	table := func(n int) *Router {
		name := strconv.Itoa(n)
		r, err := NewRouter([]*Route{{Method: "GET", Path: "/", Handler: func(c *Context) error { return c.String(200, name) },
			Middlewares: []Middleware{trail(name, 0)}}}, trail(name+"g", -2000))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	w := startRouter(t, table(0), nil)
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c, err := w.ln.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for {
				select {
				case <-done:
					return
				default:
				}
				go io.WriteString(c, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
				got := w.read("GET", r)
				if n := got.body; got.trail() != n+"g "+n+" /"+n+" /"+n+"g" {
					t.Errorf("%s after %s", n, got.trail())
					return
				}
			}
		})
	}
	for i := range 200 {
		w.s.SetRouter(table(i))
		if i%20 == 0 {
			w.get("GET", "/nope")
		}
	}
	close(done)
	wg.Wait()
}
