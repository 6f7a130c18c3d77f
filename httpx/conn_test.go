package httpx

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/troupebase/troupe/internal/eventually"
)

// parking starts a server on a real port that parks at once.
func parking(t *testing.T, wrap func(net.Listener) net.Listener) (*site, net.Listener) {
	w := start(t, []*Route{{Method: "GET", Path: "/{x}", Handler: func(c *Context) error {
		return c.SendJSON(200, []any{c.Param("x"), c.IsTLS(), c.RemoteIP()})
	}}}, nil)
	w.s.parkAfter = time.Millisecond
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if wrap != nil {
		ln = wrap(ln)
	}
	done := make(chan error, 1)
	go func() { done <- w.s.Serve(ln) }()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return w, ln
}

// waiting returns how many connections wait for a request.
func (w *site) waiting() int {
	w.s.places.mu.Lock()
	defer w.s.places.mu.Unlock()
	n := 0
	for c := range w.s.places.conns {
		if c.waiting {
			n++
		}
	}
	return n
}

func TestIdleConnectionsAreParkedAndServedAgain(t *testing.T) {
	cert := selfSigned(t)
	for name, c := range map[string]struct {
		wrap func(net.Listener) net.Listener
		dial func(addr string) (net.Conn, error)
		want string
	}{
		"tcp": {nil, func(addr string) (net.Conn, error) { return net.Dial("tcp", addr) }, `["a",false,"127.0.0.1"]` + "\n"},
		"tls": {
			func(ln net.Listener) net.Listener {
				return tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}})
			},
			func(addr string) (net.Conn, error) {
				return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) // the certificate was made above
			},
			`["a",true,"127.0.0.1"]` + "\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, ln := parking(t, c.wrap)
			nc, err := c.dial(ln.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			r := bufio.NewReader(nc)
			for range 3 {
				if _, err := io.WriteString(nc, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
					t.Fatal(err)
				}
				if got := w.read("GET", r); got.body != c.want {
					t.Fatalf("%d %s", got.StatusCode, got.body)
				}
				eventually.True(t, "parked", func() bool { return w.waiting() == 1 })
			}
			nc.Close()
			eventually.True(t, "forgotten after the peer hung up", func() bool { return w.s.places.serving() == 0 })
		})
	}
}

func TestShutdownClosesParkedConnections(t *testing.T) {
	w, ln := parking(t, nil)
	nc, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(nc)
	w.read("GET", r)
	eventually.True(t, "parked", func() bool { return w.waiting() == 1 })
	if err := w.s.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the connection is still open: %v", err)
	}
}

func TestHijack(t *testing.T) {
	w := start(t, []*Route{
		{Method: "GET", Path: "/", Handler: func(c *Context) error {
			c.SetHeader("Content-Type", "text/event-stream")
			c.Hijack(func(nc net.Conn, head []byte) {
				if _, wrapped := nc.(*conn); wrapped {
					t.Error("not the bare connection")
				}
				go func() {
					nc.Write(append(head, "owned"...))
					nc.Close()
				}()
			})
			return nil
		}},
		{Method: "GET", Path: "/panic", Handler: func(c *Context) error {
			c.Hijack(func(net.Conn, []byte) { panic("boom") })
			return nil
		}},
	}, nil)
	got := w.get("GET", "/", "Origin: x")
	h := got.Header
	if got.StatusCode != 200 || got.body != "owned" || h.Get("Content-Type") != "text/event-stream" || h.Get("Content-Length") != "" ||
		h.Get("Vary") != "Origin" || h.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %q %v", got.StatusCode, got.body, h)
	}
	c := w.dial()
	go io.WriteString(c, "GET /panic HTTP/1.1\r\nHost: h\r\n\r\n")
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("after a panic: %d, %v", n, err)
	}
}

func selfSigned(t *testing.T) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
