package httpx

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/troupebase/troupe/internal/eventually"
)

// from is a connection that says it comes from an address.
type from struct {
	net.Conn
	addr string
}

// RemoteAddr implements net.Conn.
func (f from) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.ParseIP(f.addr), Port: 1} }

// limitedServer is a server with few places, and connections from many addresses.
type limitedServer struct {
	t  *testing.T
	s  *Server
	ln chan net.Conn
	// busy is how many handlers do not return.
	busy *atomic.Int32
}

func newLimitedServer(t *testing.T, limit int) *limitedServer {
	release, busy := make(chan struct{}), new(atomic.Int32)
	router, err := NewRouter([]*Route{
		{Method: "GET", Path: "/busy", Handler: func(c *Context) error { busy.Add(1); <-release; return c.NoContent() }},
		{Method: "GET", Path: "/hijack", Handler: func(c *Context) error {
			c.Hijack(func(nc net.Conn, head []byte) { nc.Write(head); <-release; nc.Close() })
			return nil
		}},
		{Method: "GET", Path: "/{x}", Handler: echo},
		{Method: "POST", Path: "/body", Handler: readsBody},
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Router: router, MaxConnections: limit})
	if err != nil {
		t.Fatal(err)
	}
	s.parkAfter = time.Millisecond
	w := &limitedServer{t, s, make(chan net.Conn), busy}
	done := make(chan error, 1)
	go func() { done <- s.Serve(dialledListener{w.ln}) }()
	t.Cleanup(func() {
		close(release)
		close(w.ln)
		<-done
	})
	return w
}

type dialledListener struct{ conns chan net.Conn }

func (l dialledListener) Accept() (net.Conn, error) {
	nc, ok := <-l.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return nc, nil
}
func (dialledListener) Close() error   { return nil }
func (dialledListener) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects from an address.
func (w *limitedServer) dial(addr string) net.Conn {
	ours, theirs := net.Pipe()
	w.ln <- from{theirs, addr}
	w.t.Cleanup(func() { ours.Close() })
	ours.SetDeadline(time.Now().Add(30 * time.Second))
	return ours
}

// line sends a request and returns the first line of the answer.
func (w *limitedServer) line(c net.Conn, path string) string {
	go fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path)
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(line)
}

func (w *limitedServer) used(n int) {
	w.t.Helper()
	eventually.True(w.t, fmt.Sprintf("%d places used", n), func() bool { return w.s.Connections().Used == n })
}

const ok200 = "HTTP/1.1 200 OK"

// TestLaw13PlacesForConnections: everything is bounded. One client cannot have all places, whoever only waits makes room for others, the greediest
// first, and what is refused is told so and counted.
func TestLaw13PlacesForConnections(t *testing.T) {
	w := newLimitedServer(t, 8) // 6 for one client
	for range 6 {
		go w.line(w.dial("10.0.0.1"), "/busy")
	}
	eventually.True(t, "all are being served", func() bool { return w.busy.Load() == 6 })
	if got := w.line(w.dial("10.0.0.1"), "/x"); !strings.HasPrefix(got, "HTTP/1.1 503") {
		t.Errorf("the seventh of one client: %s", got)
	}
	if got := w.line(w.dial("2001:db8::1"), "/x"); got != ok200 {
		t.Errorf("somebody else: %s", got)
	}
	if got := w.line(w.dial("2001:db8::2"), "/busy2"); got != ok200 {
		t.Errorf("and again: %s", got)
	}
	w.used(8)
	// All places are taken, two by connections that wait by now: they make room.
	eventually.True(t, "a newcomer is served", func() bool { return w.line(w.dial("10.0.0.3"), "/x") == ok200 })
	st := w.s.Connections()
	if st.Refused == 0 || st.Closed == 0 || st.Limit != 8 || st.Used > 8 {
		t.Errorf("%+v", st)
	}
}

// TestGreediestMakesRoom: it is not the stranger with one kept connection who loses it.
func TestGreediestMakesRoom(t *testing.T) {
	w := newLimitedServer(t, 40)
	modest := w.dial("10.0.0.9")
	r := bufio.NewReader(modest)
	ask := func() {
		t.Helper()
		go io.WriteString(modest, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
		line, err := r.ReadString('\n')
		if err != nil || strings.TrimSpace(line) != ok200 {
			t.Fatalf("the modest client: %q, %v", line, err)
		}
		for strings.TrimSpace(line) != "" {
			line, _ = r.ReadString('\n')
		}
		r.ReadString('\n') // the body
	}
	ask()
	for i := range 200 { // half of them never send anything, half a piece of a head
		c := w.dial(fmt.Sprintf("10.0.1.%d", i%2))
		if i%2 == 0 {
			go io.WriteString(c, "GET /x HTTP/1.1\r\nX: ")
		}
	}
	ask()
	for dialled := 201; ; dialled++ { // several are closed at once, so there may be places left
		var st ConnectionStats
		eventually.True(t, "all were seen", func() bool { st = w.s.Connections(); return st.Used+int(st.Closed+st.Refused) == dialled })
		if st.Used == 40 {
			break
		}
		w.dial(fmt.Sprintf("10.0.1.%d", dialled%2))
	}
	eventually.True(t, "the modest client only waits, too", func() bool {
		w.s.places.mu.Lock()
		defer w.s.places.mu.Unlock()
		return w.s.places.clients["10.0.0.9"].first != nil
	})
	if got := w.line(w.dial("10.0.0.10"), "/x"); got != ok200 {
		t.Errorf("a newcomer: %s", got)
	}
	ask() // the newcomer's place was one of those who have many
	if st := w.s.Connections(); st.Used > 40 {
		t.Errorf("%+v", st)
	}
}

// TestHijackedConnectionsKeepTheirPlace until they are closed.
func TestHijackedConnectionsKeepTheirPlace(t *testing.T) {
	w := newLimitedServer(t, 4)
	a, b := w.dial("10.0.0.1"), w.dial("10.0.0.1")
	if got := w.line(a, "/hijack"); got != ok200 {
		t.Fatal(got)
	}
	if got := w.line(b, "/hijack"); got != ok200 {
		t.Fatal(got)
	}
	eventually.True(t, "out of HTTP's hands", func() bool { return w.s.places.serving() == 0 })
	w.used(2)
}

// TestTakenConnectionsMakeRoom: two clients cannot keep all places with streams, and whoever has few is not the one to lose one.
func TestTakenConnectionsMakeRoom(t *testing.T) {
	w := newLimitedServer(t, 8)
	var streams []net.Conn
	for i := range 8 {
		c := w.dial(fmt.Sprintf("10.0.0.%d", 1+i%2))
		streams = append(streams, c)
		if got := w.line(c, "/hijack"); got != ok200 {
			t.Fatalf("stream %d: %s", i, got)
		}
	}
	eventually.True(t, "out of HTTP's hands", func() bool { return w.s.places.serving() == 0 })
	w.used(8)
	if got := w.line(w.dial("10.0.0.1"), "/x"); !strings.HasPrefix(got, "HTTP/1.1 503") {
		t.Errorf("one more of those who have most: %s", got)
	}
	for i := range 2 {
		if got := w.line(w.dial("10.0.0.9"), "/busy"+fmt.Sprint(i)); got != ok200 {
			t.Errorf("somebody with %d: %s", i, got)
		}
	}
	ended := 0
	for _, c := range streams {
		c.SetDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := io.Copy(io.Discard, c); err == nil {
			ended++
		}
	}
	if st := w.s.Connections(); ended == 0 || ended > 2 || st.Used > 8 || int(st.Closed) < ended {
		t.Errorf("%d streams ended, %+v", ended, st)
	}
}

// TestNobodySmallerMakesRoom: a connection that has only just come in is not taken for one who has more.
func TestNobodySmallerMakesRoom(t *testing.T) {
	w := newLimitedServer(t, 8)
	modest := w.dial("10.0.0.9")
	go io.WriteString(modest, "GET /x HTTP/1.1\r\nX: ")
	w.used(1)
	for i := range 7 {
		if got := w.line(w.dial(fmt.Sprintf("10.0.0.%d", 1+i%2)), "/hijack"); got != ok200 {
			t.Fatalf("stream %d: %s", i, got)
		}
	}
	eventually.True(t, "only the modest one is HTTP's", func() bool { return w.s.places.serving() == 1 })
	for range 10 {
		if got := w.line(w.dial("10.0.0.1"), "/x"); !strings.HasPrefix(got, "HTTP/1.1 503") {
			t.Errorf("one more of those who have most: %s", got)
		}
	}
	go io.WriteString(modest, "\r\nHost: h\r\n\r\n")
	if line, err := bufio.NewReader(modest).ReadString('\n'); strings.TrimSpace(line) != ok200 {
		t.Errorf("who had one: %q, %v", line, err)
	}
}

// failing is a listener that has no descriptors for a while.
type failing struct {
	net.Listener
	left atomic.Int32
}

func (f *failing) Accept() (net.Conn, error) {
	if f.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

// TestAcceptGoesOn: that no descriptors are left is not the end of the server.
func TestAcceptGoesOn(t *testing.T) {
	ln := &failing{}
	ln.left.Store(4)
	_, addr := parking(t, func(l net.Listener) net.Listener { ln.Listener = l; return ln })
	nc, err := net.Dial("tcp", addr.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(30 * time.Second))
	io.WriteString(nc, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n")
	if line, err := bufio.NewReader(nc).ReadString('\n'); err != nil || strings.TrimSpace(line) != ok200 {
		t.Errorf("after the failures: %q, %v", line, err)
	}
	if left := ln.left.Load(); left > 0 {
		t.Errorf("%d failures were not met", left)
	}
}

func TestPlacesFor(t *testing.T) {
	for descriptors, want := range map[int]int{1: 1, 200: 100, 256: 128, 1024: 832, 20000: 19808} {
		if got := placesFor(descriptors); got != want {
			t.Errorf("%d descriptors: %d places, want %d", descriptors, got, want)
		}
	}
}

func TestDescriptorsAreRaised(t *testing.T) {
	if n := descriptors(); n < fewestDescriptors {
		t.Errorf("%d descriptors", n)
	}
	if err := checkRaised(); err != nil {
		t.Error(err)
	}
}

// TestLaw12PanicOnAConnection: panics stay small, also outside of a request.
func TestLaw12PanicOnAConnection(t *testing.T) {
	w := newLimitedServer(t, 4)
	ours, theirs := net.Pipe()
	defer ours.Close()
	w.ln <- panickingConn{theirs}
	if n, err := ours.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("the connection: %d, %v", n, err)
	}
	w.used(0)
	if got := w.line(w.dial("10.0.0.1"), "/x"); got != ok200 {
		t.Errorf("another: %s", got)
	}
}

// panickingConn is a connection whose Read panics.
type panickingConn struct{ net.Conn }

func (panickingConn) Read([]byte) (int, error) { panic("the read") }
func (panickingConn) RemoteAddr() net.Addr     { return &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2)} }
