package httpx

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/budget"
)

// TestLargeHeads: heads grow up to their limit, on a connection that is used before and after, and beyond it the answer arrives.
func TestLargeHeads(t *testing.T) {
	share := budget.New(16<<20).Share("bodies", 100, 100)
	w := start(t, []*Route{{Method: "GET", Path: "/{x}", Handler: func(c *Context) error {
		return c.SendJSON(200, len(c.Query("filter"))+len(c.Header("X")))
	}}}, func(o *Options) { o.Bodies = share })
	c := w.dial()
	r := bufio.NewReader(c)
	const frame = len("GET /x?filter= HTTP/1.1\r\nHost: h\r\n\r\n")
	for _, size := range []int{0, 1 << 10, 5 << 10, 8<<10 - frame - 1, 8<<10 - frame, 8<<10 - frame + 1, 20 << 10, 64<<10 - frame, 100 << 10, maxHeader - frame} {
		go io.WriteString(c, "GET /x?filter="+strings.Repeat("a", size)+" HTTP/1.1\r\nHost: h\r\n\r\n")
		if got := w.read("GET", r); got.StatusCode != 200 || strings.TrimSpace(got.body) != strconv.Itoa(size) {
			t.Fatalf("a filter of %d bytes: %d %s", size, got.StatusCode, got.body)
		}
		go io.WriteString(c, "GET /x HTTP/1.1\r\nHost: h\r\nX: "+strings.Repeat("a", max(size-10, 0))+"\r\n\r\n")
		if got := w.read("GET", r); got.StatusCode != 200 || strings.TrimSpace(got.body) != strconv.Itoa(max(size-10, 0)) {
			t.Fatalf("a header of %d bytes: %d %s", size, got.StatusCode, got.body)
		}
	}
	go io.WriteString(c, "GET /x?filter="+strings.Repeat("a", maxHeader-frame+1)+" HTTP/1.1\r\nHost: h\r\n\r\n")
	got := w.read("GET", r)
	if got.StatusCode != 431 || !strings.HasPrefix(got.body, `{"data":{},"message":"The address and the headers`) || got.Header.Get("Content-Type") != "application/json" || !got.Close {
		t.Errorf("beyond the limit: %d %s %v", got.StatusCode, got.body, got.Header)
	}
	c.Close()
	eventually.True(t, "all that heads were charged is given back", func() bool { return share.Usage().Used == 0 })
}

// TestHeadsAreCharged: heads that do not end are kept within the share, and what has room goes on.
func TestHeadsAreCharged(t *testing.T) {
	share := budget.New(1<<20).Share("bodies", 100, 100)
	w := start(t, []*Route{{Method: "GET", Path: "/{x}", Handler: echo}}, func(o *Options) { o.Bodies = share })
	refused := make(chan int, 20)
	for range 20 {
		c := w.dial()
		go func() {
			io.WriteString(c, "GET /x HTTP/1.1\r\nHost: h\r\nX: "+strings.Repeat("a", 200<<10)) // and no end
			if res, err := http.ReadResponse(bufio.NewReader(c), nil); err == nil {
				refused <- res.StatusCode
			}
		}()
	}
	for range 18 { // 1 MiB has room for two times 2*256 KiB at the most
		if status := <-refused; status != 503 {
			t.Fatalf("status %d, want 503", status)
		}
	}
	if u := share.Usage(); u.Used > u.Limit || u.Used == 0 {
		t.Errorf("used %d of %d", u.Used, u.Limit)
	}
	if got := w.get("GET", "/x"); got.StatusCode != 200 {
		t.Errorf("beside them: %d", got.StatusCode)
	}
}

// TestHeadBehindABody: what fasthttp read together with the body before it is held to the same rules.
func TestHeadBehindABody(t *testing.T) {
	w := bodySite(t)
	for name, c := range map[string]struct {
		second string
		status int
	}{
		"fine":            {"GET /get HTTP/1.1\r\nHost: h\r\n\r\n", 200},
		"blank in a name": {"GET /get HTTP/1.1\r\nHost: h\r\nX y: z\r\n\r\n", 400},
		"HTTP/2.0":        {"GET /get HTTP/2.0\r\nHost: h\r\n\r\n", 400},
		"LF alone":        {"GET /get HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", 400},
		"folded":          {"GET /get HTTP/1.1\r\nHost: h\r\nX: y\r\n z\r\n\r\n", 400},
	} {
		nc := w.dial()
		go io.WriteString(nc, "POST /small HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"+c.second)
		r := bufio.NewReader(nc)
		if got := w.read("POST", r); got.StatusCode != 200 {
			t.Fatalf("%s: first %d", name, got.StatusCode)
		}
		if got := w.read("GET", r); got.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", name, got.StatusCode, got.body, c.status)
		}
		nc.Close()
	}
}

// TestHeadsInPieces: a head may come byte by byte, on new and on kept connections.
func TestHeadsInPieces(t *testing.T) {
	w := start(t, []*Route{{Method: "GET", Path: "/{x}", Handler: echo}}, nil)
	c := w.dial()
	r := bufio.NewReader(c)
	for range 3 {
		for _, b := range []byte("GET /piece HTTP/1.1\r\nHost: h\r\n\r\n") {
			c.Write([]byte{b})
		}
		if got := w.read("GET", r); got.StatusCode != 200 {
			t.Fatalf("%d %s", got.StatusCode, got.body)
		}
	}
}

// TestRefusalArrives: a client that is still sending when it is refused reads the answer, and no reset.
func TestRefusalArrives(t *testing.T) {
	_, ln := parking(t, nil)
	for name, text := range map[string]string{
		"431": "GET /x HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("a", 2<<20) + "\r\n\r\n",
		"413": "GET /x HTTP/1.1\r\nHost: h\r\nContent-Length: 40000000\r\n\r\n" + strings.Repeat("a", 4<<20),
		"400": "GET /x HTTP/9.9\r\n" + strings.Repeat("a", 2<<20),
	} {
		nc, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		nc.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(nc, text); err != nil {
			t.Errorf("%s: sending: %v", name, err)
		}
		all, err := io.ReadAll(nc)
		if err != nil || !bytes.HasPrefix(all, []byte("HTTP/1.1 "+name)) {
			t.Errorf("%s: %.60q, %v", name, all, err)
		}
		nc.Close()
	}
}

// FuzzHeadScanner: however a head is cut up, the same is found, and what passes is read the same by net/http.
func FuzzHeadScanner(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\n\r\nrest", "\r\nGET / HTTP/1.0\r\nA: b\r\n c\r\n\r\n", "GET / HTTP/1.1\nA: b\n\n", "\n", "\r\n\r\n\r\n",
	} {
		f.Add([]byte(seed), 3)
	}
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		var whole headScanner
		end, err := whole.scan(b)
		var cut headScanner
		step = max(step, 1)
		for n := min(step, len(b)); ; n = min(n+step, len(b)) {
			e, pieceErr := cut.scan(b[:n])
			if pieceErr != nil || e > 0 || n == len(b) {
				if e != end || (pieceErr != nil) != (err != nil) {
					t.Fatalf("in pieces %d, %v; as a whole %d, %v", e, pieceErr, end, err)
				}
				break
			}
		}
		if end == 0 {
			return
		}
		head := bytes.TrimLeft(b[:end], "\r\n")
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if err != nil {
			return // it may be stricter; fasthttp is asked as well
		}
		names := 0
		for _, values := range r.Header {
			names += len(values)
		}
		if lines := bytes.Count(head, []byte("\r\n")) - 2; names > lines {
			t.Fatalf("net/http sees %d headers in %d lines", names, lines)
		}
	})
}
