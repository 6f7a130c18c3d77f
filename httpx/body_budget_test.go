package httpx

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/budget"
)

// boundedSite starts a server whose bodies draw from a share of that size, of which one client may have half.
func boundedSite(t *testing.T, size int64) (*limitedServer, *budget.Share) {
	share := budget.New(size).Share("bodies", 100, 50)
	w := newLimitedServer(t, 1000)
	w.s.opts.Bodies, w.s.bodies.share = share, share
	w.s.opts.UploadDir = t.TempDir()
	return w, share
}

// send writes the head of a POST and a part of its body from an address, and returns where the answer's first line will be.
func (w *limitedServer) send(addr, contentType string, length int, body string) chan string {
	c := w.dial(addr)
	line := make(chan string, 1)
	go func() {
		io.WriteString(c, fmt.Sprintf("POST /body HTTP/1.1\r\nHost: h\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", contentType, length))
		io.Copy(c, strings.NewReader(body)) // a refused one is cut off
	}()
	go func() {
		got, err := bufio.NewReader(c).ReadString('\n')
		if err != nil {
			got = err.Error()
		}
		line <- strings.TrimSpace(got)
	}()
	return line
}

// TestLaw13BodiesUnderWay: everything is bounded. Bodies that do not end are kept within the share, by what came of them and not by what was
// announced, one client cannot have all of it, and others are served.
func TestLaw13BodiesUnderWay(t *testing.T) {
	w, share := boundedSite(t, 4<<20)
	for range 50 {
		w.send("10.0.0.1", "application/json", 30<<20, `{`)
	}
	eventually.True(t, "50 bodies have begun", func() bool { return share.Usage().Used == 50*leastBody })
	answers := make(chan string, 50)
	for range 50 {
		line := w.send("10.0.0.1", "application/json", 30<<20, `{"a":"`+strings.Repeat("x", 200<<10))
		go func() { answers <- <-line }()
	}
	for range 30 { // 2 MiB for one client: 256 KiB for each of some, less what the others have
		if got := <-answers; !strings.HasPrefix(got, "HTTP/1.1 429") && !strings.HasPrefix(got, "HTTP/1.1 503") {
			t.Fatalf("over the client's part: %q", got)
		}
		if u := share.Usage(); u.Used > u.Limit/2 {
			t.Fatalf("one client has %d of %d", u.Used, u.Limit)
		}
	}
	whole := `{"a":"` + strings.Repeat("x", 500<<10) + `"}`
	if got := <-w.send("10.0.0.2", "application/json", len(whole), whole); got != ok200 {
		t.Errorf("somebody else: %q", got)
	}
}

// TestBodiesAreGivenBack: answered, refused and abandoned ones.
func TestBodiesAreGivenBack(t *testing.T) {
	w, share := boundedSite(t, 4<<20)
	for _, body := range []string{`{"a":1}`, `{"a":`, strings.Repeat("[", 1000), `{"a":"` + strings.Repeat("x", 1<<20) + `"}`, `{"a":"` + strings.Repeat("x", 3<<20) + `"}`} {
		<-w.send("10.0.0.1", "application/json", len(body), body)
	}
	for _, contentType := range []string{"application/json", formData} {
		c := w.dial("10.0.0.3")
		io.WriteString(c, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Type: "+contentType+"\r\nContent-Length: 30000000\r\n\r\n--B\r\n")
		eventually.True(t, "begun", func() bool { return share.Usage().Used > 0 })
		c.Close()
		eventually.True(t, "given back", func() bool { return share.Usage().Used == 0 && w.s.bodiesOpen() == 0 })
	}
	eventually.True(t, "given back", func() bool { return share.Usage().Used == 0 })
}

func (s *Server) bodiesOpen() int {
	s.bodies.mu.Lock()
	defer s.bodies.mu.Unlock()
	return len(s.bodies.open)
}

// TestLargestBodyMakesRoom: a few strangers who send slowly do not keep others from sending.
func TestLargestBodyMakesRoom(t *testing.T) {
	w, share := boundedSite(t, 2<<20)
	var slow []chan string
	for i := range 2 {
		slow = append(slow, w.send(fmt.Sprintf("10.0.0.%d", i), "application/json", 30<<20, `{"a":"`+strings.Repeat("x", 900<<10)))
	}
	eventually.True(t, "the share is full", func() bool { return share.Usage().Used == 2<<20 })
	whole := `{"a":"` + strings.Repeat("x", 100<<10) + `"}`
	if got := <-w.send("10.0.0.9", "application/json", len(whole), whole); got != ok200 {
		t.Errorf("somebody with a small body: %q", got)
	}
	got := ""
	select {
	case got = <-slow[0]:
	case got = <-slow[1]:
	case <-time.After(30 * time.Second):
	}
	if !strings.HasPrefix(got, "HTTP/1.1 413") && !strings.HasPrefix(got, "HTTP/1.1 503") {
		t.Errorf("the large one that made room: %q", got)
	}
}

// TestStalledBodyMakesRoom: one that stands still goes even if it is not large.
func TestStalledBodyMakesRoom(t *testing.T) {
	share := budget.New(100).Share("bodies", 100, 100)
	now := time.Now()
	b := &bodies{share: share, now: func() time.Time { return now }, open: make(map[*bodyCharge]struct{})}
	stalled := &bodyCharge{client: "a", conn: &conn{Conn: from{addr: "10.0.0.1", Conn: nullConn{}}}}
	b.begin(stalled)
	if err := b.take(stalled, 100); err != nil {
		t.Fatal(err)
	}
	k := &bodyCharge{client: "b"}
	if err := b.take(k, 60); err == nil {
		t.Fatal("there was room")
	}
	now = now.Add(stalledAfter + 1)
	go func() {
		eventually.True(t, "ended", stalled.victim.Load)
		b.give(stalled)
	}()
	if err := b.take(k, 60); err != nil {
		t.Errorf("with a stalled one: %v", err)
	}
}

// nullConn is a connection to nobody.
type nullConn struct{ io.ReadWriteCloser }

func (nullConn) LocalAddr() net.Addr              { return nil }
func (nullConn) RemoteAddr() net.Addr             { return nil }
func (nullConn) SetDeadline(time.Time) error      { return nil }
func (nullConn) SetReadDeadline(time.Time) error  { return nil }
func (nullConn) SetWriteDeadline(time.Time) error { return nil }

// TestUploadsOnTheDisk: what does not fit into memory is on the disk while the request is answered, counts as a connection, and is gone afterwards.
func TestUploadsOnTheDisk(t *testing.T) {
	w, share := boundedSite(t, 4<<20)
	large := strings.Repeat("0123456789", 1<<20)
	body := parts("title=x", "doc=@a.txt:"+large, "doc=@b.txt:small", "more=@c.txt:"+large[:200<<10])
	if got := <-w.send("10.0.0.1", formData, len(body), body); got != "HTTP/1.1 207 Multi-Status" {
		t.Errorf("%q", got)
	}
	if used := share.Usage().Used; used > 500<<10 {
		t.Errorf("%d bytes of memory are charged for 10 MB on the disk", used)
	}
	c := w.dial("10.0.0.2")
	go io.WriteString(c, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Type: "+formData+"\r\nContent-Length: 30000000\r\n\r\n"+body[:1<<20])
	eventually.True(t, "an upload under way is on the disk", func() bool { return w.s.uploads.Usage().Used > 0 })
	c.Close()
	eventually.True(t, "an abandoned upload is gone", func() bool { return w.s.uploads.Usage().Used == 0 && share.Usage().Used == 0 })
	entries, err := os.ReadDir(w.s.opts.UploadDir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	w.s.uploads = budget.New(2*uploadStep).Share("uploads", 100, 100)
	if got := <-w.send("10.0.0.3", formData, len(body), body); !strings.HasPrefix(got, "HTTP/1.1 503") {
		t.Errorf("more than the disk is to take: %q", got)
	}
	eventually.True(t, "given back", func() bool { return w.s.uploads.Usage().Used == 0 })
}

// readsBody answers what the tests of this file send.
func readsBody(c *Context) error {
	m, uploads, err := c.Map()
	if err != nil {
		return err
	}
	if len(uploads) == 0 {
		return c.SendJSON(200, len(m))
	}
	for _, u := range uploads {
		for range 2 {
			f, err := u.Open()
			if err != nil {
				return err
			}
			content, err := io.ReadAll(f)
			if err != nil || int64(len(content)) != u.Size {
				return fmt.Errorf("%s: %d bytes of %d: %w", u.Name, len(content), u.Size, err)
			}
			for i := range content {
				if u.Size > 5 && content[i] != byte('0'+i%10) {
					return fmt.Errorf("%s: byte %d is %q", u.Name, i, content[i])
				}
			}
		}
	}
	return c.SendJSON(http.StatusMultiStatus, len(uploads))
}

// TestExpectIsAnsweredByTheRoute: whoever is refused without its body being read is not asked to send it.
func TestExpectIsAnsweredByTheRoute(t *testing.T) {
	w := start(t, []*Route{
		{Method: "POST", Path: "/guarded", Guard: RequireAuth, Handler: readsBody},
		{Method: "POST", Path: "/open", Handler: readsBody},
		{Method: "POST", Path: "/careless", Handler: func(c *Context) error { return c.NoContent() }},
	}, nil)
	for target, want := range map[string]string{"/guarded": "401", "/nope": "404", "/careless": "204"} {
		c := w.dial()
		go io.WriteString(c, "POST "+target+" HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n")
		if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 "+want) {
			t.Errorf("%s: %q, %v", target, line, err)
		}
	}
	for name, framing := range map[string][2]string{
		"length":  {"Content-Length: 7", `{"a":1}`},
		"chunked": {"Transfer-Encoding: chunked", "7\r\n{\"a\":1}\r\n0\r\n\r\n"},
	} {
		for _, early := range []bool{false, true} {
			c := w.dial()
			r := bufio.NewReader(c)
			head := "POST /open HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n" + framing[0] + "\r\n\r\n"
			if early {
				head += framing[1]
			}
			go io.WriteString(c, head)
			line, err := r.ReadString('\n')
			if err != nil || line != "HTTP/1.1 100 Continue\r\n" {
				t.Fatalf("%s: %q, %v", name, line, err)
			}
			r.ReadString('\n')
			if !early {
				go io.WriteString(c, framing[1])
			}
			if got := w.read("POST", r); got.StatusCode != 200 || strings.TrimSpace(got.body) != "1" {
				t.Errorf("%s: %d %s", name, got.StatusCode, got.body)
			}
		}
	}
}

// FuzzWeigh: it counts at least what encoding/json would make.
func FuzzWeigh(f *testing.F) {
	for _, seed := range []string{`{"a":1}`, `[[[]],{}]`, `{"a\"":["\\",":"]}`, `"`, `{"`, `\`, `{"a\`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		w := countJSON(raw)
		var v any
		if decodeJSON(raw, &v) != nil {
			return
		}
		keys, values, depth := count(v)
		if w.keys < keys || w.values+1 < values || w.depth < depth {
			t.Fatalf("%q: %+v, but it has %d keys, %d values, depth %d", raw, w, keys, values, depth)
		}
	})
}

func count(v any) (keys, values, depth int) {
	values = 1
	add := func(v any) {
		k, n, d := count(v)
		keys, values, depth = keys+k, values+n, max(depth, d)
	}
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			add(e)
		}
		depth++
	case map[string]any:
		keys = len(v)
		for _, e := range v {
			add(e)
		}
		depth++
	}
	return keys, values, depth
}

// TestSmallBodyInOnePiece: a small body that came in with its head needs no room, also on a connection that is kept, and what it says counts.
// One whose end is still to come is charged like any other.
func TestSmallBodyInOnePiece(t *testing.T) {
	w, share := boundedSite(t, 8*leastBody)
	for _, client := range []string{"10.0.0.1", "10.0.0.2"} {
		if err := share.Take(client, 4*leastBody); err != nil { // nothing is left
			t.Fatal(err)
		}
	}
	c := w.dial("10.0.0.3")
	r := bufio.NewReader(c)
	post := func(pieces ...string) string {
		t.Helper()
		go func() {
			for _, piece := range pieces {
				io.WriteString(c, piece)
			}
		}()
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		for header := line; strings.TrimSpace(header) != ""; {
			header, _ = r.ReadString('\n')
		}
		r.Discard(r.Buffered())
		return strings.TrimSpace(line)
	}
	const head = "POST /body HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n"
	for i := range 3 {
		if got := post(head + `{"a":1}`); got != ok200 {
			t.Fatalf("the %d. in one piece: %q", i+1, got)
		}
	}
	if got := post(head + `{"a":x}`); !strings.HasPrefix(got, "HTTP/1.1 400") {
		t.Errorf("no JSON: %q", got)
	}
	if got := post(head+`{"a"`, `:1}`); !strings.HasPrefix(got, "HTTP/1.1 503") {
		t.Errorf("in two pieces: %q", got)
	}
}
