package httpx

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/internal/eventually"
)

// timed is a connection that keeps what deadlines it was given.
type timed struct {
	net.Conn
	mu            sync.Mutex
	reads, writes []time.Time
}

// SetReadDeadline implements net.Conn.
func (c *timed) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads = append(c.reads, t)
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *timed) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writes = append(c.writes, t)
	return c.Conn.SetWriteDeadline(t)
}

func (c *timed) last() (read, write time.Time, sets int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads[len(c.reads)-1], c.writes[len(c.writes)-1], len(c.reads) + len(c.writes)
}

// readOK reads an answer that has to be a 200, with its body.
func readOK(t *testing.T, r *bufio.Reader, what string) {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != ok200 {
		t.Fatalf("%s: %q, %v", what, line, err)
	}
	length := 0
	for strings.TrimSpace(line) != "" {
		line, _ = r.ReadString('\n')
		fmt.Sscanf(line, "Content-Length: %d", &length)
	}
	if _, err := io.CopyN(io.Discard, r, int64(length)); err != nil {
		t.Fatal(err)
	}
}

// TestDeadlines: the deadline of a body counts while it comes in, that of an idle connection after it, that of an answer is never earlier than it
// should be, and small requests one after the other set none.
func TestDeadlines(t *testing.T) {
	w := newLimitedServer(t, 4)
	w.s.parkAfter = 20 * time.Minute // longer than all other times
	ours, theirs := net.Pipe()
	defer ours.Close()
	ours.SetDeadline(time.Now().Add(30 * time.Second))
	nc := &timed{Conn: theirs}
	w.ln <- nc
	r := bufio.NewReader(ours)
	send := func(request string) {
		t.Helper()
		if _, err := io.WriteString(ours, request); err != nil {
			t.Fatal(err)
		}
	}
	// idle waits until the server has set the deadline after an answer, by which it is between two requests.
	idle := func(what string) int {
		t.Helper()
		eventually.True(t, what, func() bool {
			read, _, _ := nc.last()
			left := time.Until(read)
			return left > w.s.parkAfter/2 && left <= 2*w.s.parkAfter
		})
		_, write, sets := nc.last()
		if left := time.Until(write); left < writeTimeout-time.Minute || left > writeTimeout+writeSlack {
			t.Errorf("%s: an answer has %v", what, left)
		}
		return sets
	}
	const get = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
	send(get)
	readOK(t, r, "the first")
	before := idle("after the first")
	for range 20 {
		send(get)
		readOK(t, r, "a further one")
	}
	if after := idle("after all"); after != before {
		t.Errorf("20 requests set %d deadlines", after-before)
	}
	send("POST /body HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\n{")
	eventually.True(t, "the body has its own time", func() bool {
		read, _, _ := nc.last()
		return time.Until(read) > bodyTimeout-time.Minute
	})
	send("}  ")
	readOK(t, r, "the body")
	idle("after the body")
}
