package httpx

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp/fasthttputil"
)

// site is a running server to which tests speak raw HTTP.
type site struct {
	t  *testing.T
	s  *Server
	ln *fasthttputil.InmemoryListener
}

// start runs a server with those routes; change may set further options.
func start(t *testing.T, routes []*Route, change func(*Options)) *site {
	t.Helper()
	router, err := NewRouter(routes)
	if err != nil {
		t.Fatal(err)
	}
	return startRouter(t, router, change)
}

// startRouter runs a server with that table.
func startRouter(t *testing.T, router *Router, change func(*Options)) *site {
	t.Helper()
	opts := Options{Router: router}
	if change != nil {
		change(&opts)
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ln := fasthttputil.NewInmemoryListener()
	done := make(chan error, 1)
	go func() { done <- s.Serve(ln) }()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return &site{t, s, ln}
}

func (w *site) dial() net.Conn {
	w.t.Helper()
	c, err := w.ln.Dial()
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	// Only a server that never answers runs into this.
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	return c
}

// answer is what came back.
type answer struct {
	*http.Response
	body string
}

// raw sends text as it is on a connection of its own and reads one answer to the given method.
func (w *site) raw(method, text string) answer {
	w.t.Helper()
	c := w.dial()
	go io.WriteString(c, text)
	return w.read(method, bufio.NewReader(c))
}

func (w *site) read(method string, r *bufio.Reader) answer {
	w.t.Helper()
	res, err := http.ReadResponse(r, &http.Request{Method: method})
	if err != nil {
		w.t.Fatalf("no answer: %v", err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatalf("cut off answer: %v", err)
	}
	res.Body.Close()
	return answer{res, string(body)}
}

// get sends a request without a body; headers are complete lines.
func (w *site) get(method, target string, headers ...string) answer {
	w.t.Helper()
	return w.raw(method, method+" "+target+" HTTP/1.1\r\nHost: h\r\n"+lines(headers)+"\r\n")
}

// post sends a body with its length.
func (w *site) post(target, contentType, body string, headers ...string) answer {
	w.t.Helper()
	if contentType != "" {
		headers = append(headers, "Content-Type: "+contentType)
	}
	return w.raw("POST", "POST "+target+" HTTP/1.1\r\nHost: h\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n"+lines(headers)+"\r\n"+body)
}

func lines(headers []string) string {
	if len(headers) == 0 {
		return ""
	}
	return strings.Join(headers, "\r\n") + "\r\n"
}

// echo answers with what the router found.
func echo(c *Context) error {
	out := map[string]any{"route": c.Route().Path, "method": c.Method()}
	for _, name := range c.match.names {
		out[name] = c.Param(name)
	}
	return c.SendJSON(200, out)
}
