package httpx

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/troupebase/troupe/internal/eventually"
)

// A handler learns that its client has hung up, also under TLS and behind what it has sent
// before, and is told nothing of the kind while it waits.
func TestGone(t *testing.T) {
	cert := selfSigned(t)
	for _, secure := range []bool{false, true} {
		reached, leave, gone := make(chan bool), make(chan struct{}), make(chan struct{})
		w := start(t, []*Route{{Method: "GET", Path: "/x", Handler: func(c *Context) error {
			reached <- c.Gone()
			<-leave
			eventually.True(t, "the client is gone", c.Gone)
			close(gone)
			return c.NoContent()
		}}}, nil)
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if secure {
			ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}})
		}
		done := make(chan error, 1)
		go func() { done <- w.s.Serve(ln) }()
		dial := func() (net.Conn, error) { return net.Dial("tcp", ln.Addr().String()) }
		if secure {
			dial = func() (net.Conn, error) {
				return tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // the certificate was made above
			}
		}
		nc, err := dial()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(nc, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if <-reached {
			t.Errorf("TLS %v: a client that waits is gone", secure)
		}
		if _, err := io.WriteString(nc, "GET /y HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		nc.Close()
		close(leave)
		<-gone
		ln.Close()
		<-done
		eventually.True(t, "the connection that was asked about gives its place back", func() bool {
			w.s.places.mu.Lock()
			defer w.s.places.mu.Unlock()
			return w.s.places.used == 0
		})
	}
}
