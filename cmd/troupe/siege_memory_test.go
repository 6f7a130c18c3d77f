//go:build linux

package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// siegeMemory is what the server may use at its peak, whatever strangers do.
const siegeMemory = 512 << 20

// siege is a server under floods.
type siege struct {
	*process
	root  string
	scale int // how many times as much is sent in a long siege
	stop  chan struct{}
}

// TestSiegeMemory floods a server with all at once that strangers can have it keep, from several addresses, and looks at the peak of its
// memory and at what others get meanwhile. It runs in a group of its own with that much memory where one can be made.
func TestSiegeMemory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	superuser(t, dir)
	group, first := memoryGroup(t, siegeMemory)
	s := &siege{process: serveAfter(t, first, dir), scale: 1, stop: make(chan struct{})}
	if os.Getenv(siegeMode) == "long" {
		s.scale = 4
	}
	s.root = s.signIn()
	s.call("POST", "/api/collections", s.root, map[string]any{"name": "notes", "type": "base", "createRule": "", "listRule": "", "viewRule": "",
		"fields": []any{map[string]any{"name": "title", "type": "text"}, map[string]any{"name": "n", "type": "number"},
			map[string]any{"name": "body", "type": "text", "max": 1 << 20}}}, 200)
	s.call("POST", "/api/collections/notes/records", "", map[string]any{"id": "noteaaaaaaaaaa1", "title": "hello"}, 200)

	var attackers sync.WaitGroup
	for name, flood := range map[string]func(){
		"bodies": s.bodies, "parts": s.parts, "heads": s.heads, "connections": s.connections, "keys": s.keys,
		"topics": s.topics, "stalled readers": s.stalled, "filters": s.filters, "rows": s.rows,
	} {
		if why := pendingFloods[name]; why != "" {
			t.Logf("left out: %s: %s", name, why)
			continue
		}
		attackers.Go(flood)
	}
	done := make(chan struct{})
	go func() { attackers.Wait(); close(done) }()
	views, slowest := 0, time.Duration(0)
	for over := false; !over; views++ {
		select {
		case <-done:
			over = true // and once more, with all that is held
		case err := <-s.done:
			t.Fatalf("the server ended: %v\n%s", err, s.logs)
		default:
		}
		began := time.Now()
		if a, err := s.try("GET", "/api/collections/notes/records/noteaaaaaaaaaa1", "", nil); err != nil || a.Status != 200 {
			t.Fatalf("view: %d %s %v\n%.2000s", a.Status, a.Body, err, s.logs)
		}
		slowest = max(slowest, time.Since(began))
	}
	peak := s.peak()
	t.Logf("peak %d MiB (%s), %d views, the slowest took %v", peak>>20, group, views, slowest)
	if peak > siegeMemory {
		t.Errorf("the peak was %d MiB, more than %d", peak>>20, siegeMemory>>20)
	}
	close(s.stop)
}

// pendingFloods are those that the server does not stand up to yet, with what is missing.
var pendingFloods = map[string]string{}

// hold sends text on n connections from several addresses and keeps them open. What is refused is cut off.
func (s *siege) hold(n, firstAddress int, text func(i int) string) {
	var wg sync.WaitGroup
	for i := range n {
		c := s.stranger(firstAddress + i%4)
		wg.Go(func() {
			c.SetWriteDeadline(time.Now().Add(15 * time.Second)) // who is refused is done at once
			_, _ = io.WriteString(c, text(i))
		})
		if i%32 == 31 {
			wg.Wait()
		}
	}
	wg.Wait()
}

const announced = 30 << 20

// bodies are JSON bodies that do not end.
func (s *siege) bodies() {
	large := strings.Repeat("x", announced-100)
	s.hold(60*s.scale, 10, func(i int) string {
		return fmt.Sprintf("POST /api/collections/notes/records HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{\"title\":\"", announced) +
			large[:len(large)>>(i%4)]
	})
}

// parts are multipart bodies that do not end: a value, a file, the head of a part.
func (s *siege) parts() {
	large := strings.Repeat("x", announced-1000)
	s.hold(30*s.scale, 20, func(i int) string {
		name := []string{`name="title"`, `name="doc"; filename="a.bin"`, `name="`}[i%3]
		if i%3 < 2 {
			name += "\r\n\r\n"
		}
		return fmt.Sprintf("POST /api/collections/notes/records HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n--B\r\nContent-Disposition: form-data; %s", announced, name) + large
	})
}

// heads are heads of nearly the limit that do not end.
func (s *siege) heads() {
	filter := strings.Repeat("a", 250<<10)
	s.hold(1000*s.scale, 30, func(int) string { return "GET /api/collections/notes/records?filter=" + filter })
}

// connections send a piece of a head each, or nothing.
func (s *siege) connections() {
	s.hold(2000*s.scale, 40, func(i int) string { return "GET /api/health HTTP/1.1\r\nHost: x\r\nX: a"[:i%40] })
}

// keys are whole bodies that cost much to read.
func (s *siege) keys() {
	var b strings.Builder
	b.WriteString(`{"k":1`)
	for i := range 60_000 {
		fmt.Fprintf(&b, `,"%d":[]`, i)
	}
	body := b.String() + "}"
	s.each(4, 20*s.scale, func(int, int) { _, _ = s.afresh("POST", "/api/collections/notes/records", body) })
}

// each runs n calls of f on workers.
func (s *siege) each(workers, n int, f func(worker, i int)) {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range n {
				f(w, i)
			}
		})
	}
	wg.Wait()
}

// filters are distinct ones of 3.4 kB.
func (s *siege) filters() {
	s.each(4, 250*s.scale, func(w, i int) {
		var b strings.Builder
		for k := 0; b.Len() < 3400; k++ {
			fmt.Fprintf(&b, "n!=%d%03d%d||", w, i, k)
		}
		_, _ = s.afresh("GET", "/api/collections/notes/records?sort=-title&filter="+url.QueryEscape(strings.TrimSuffix(b.String(), "||")), "")
	})
}

// topics are as many and as long as a subscription may have.
func (s *siege) topics() {
	s.each(4, 50*s.scale, func(w, i int) {
		id, _ := s.stream(50 + w)
		topics := make([]string, 1000)
		for k := range topics {
			topics[k] = fmt.Sprintf("%q", fmt.Sprintf("notes/%d-%d-%d-%s", w, i, k, strings.Repeat("t", 2000)))
		}
		_, _ = s.afresh("POST", "/api/realtime", `{"clientId":"`+id+`","subscriptions":[`+strings.Join(topics, ",")+`]}`)
	})
}

// stalled are readers of large messages that do not read.
func (s *siege) stalled() {
	for i := range 100 * s.scale {
		id, _ := s.stream(60 + i%4)
		_, _ = s.afresh("POST", "/api/realtime", `{"clientId":"`+id+`","subscriptions":["notes/*"]}`)
	}
	body := `{"title":"large","body":"` + strings.Repeat("m", 500<<10) + `"}`
	for range 20 * s.scale {
		_, _ = s.afresh("POST", "/api/collections/notes/records", body)
	}
}

// stream opens an event stream and reads its first event only. Its receive buffer is as small as the system allows.
func (s *siege) stream(address int) (id string, c net.Conn) {
	c = s.stranger(address)
	_ = c.(*net.TCPConn).SetReadBuffer(1)
	c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, "GET /api/realtime HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return "", c
	}
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", c
		}
		if _, rest, ok := strings.Cut(line, `"clientId":"`); ok {
			id, _, _ = strings.Cut(rest, `"`)
			return id, c
		}
	}
}

// rows are answers of the console that are much larger than what is asked.
func (s *siege) rows() {
	var refused atomic.Int64
	query := `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x < 100000) SELECT x, hex(zeroblob(5000)) AS wide FROM c`
	s.each(4, 3*s.scale, func(int, int) {
		if a, err := s.try("POST", "/api/sql", s.root, map[string]any{"query": query}); err != nil || a.Status >= 400 {
			refused.Add(1)
		}
	})
	if refused.Load() == 0 {
		s.t.Error("no answer of the console was too large")
	}
}

// peak returns the most memory that the server had.
func (p *process) peak() int64 { return p.status("VmHWM:") << 10 }

// status returns a number of /proc/PID/status.
func (p *process) status(name string) int64 {
	p.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n
		}
	}
	p.t.Fatalf("no %s", name)
	return 0
}

// files returns how many files the server has open.
func (p *process) files() int {
	p.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatalf("%v\n%s", err, p.logs)
	}
	return len(entries)
}

// memoryGroup makes a cgroup with that much memory and returns what a shell does to enter it, nothing where none can be made.
func memoryGroup(t *testing.T, limit int64) (what, first string) {
	name := fmt.Sprintf("troupe-test-%d", os.Getpid())
	for _, g := range []struct{ version, parent, file string }{
		{"cgroup v2", "/sys/fs/cgroup", "memory.max"},
		{"cgroup v1", "/sys/fs/cgroup/memory", "memory.limit_in_bytes"},
	} {
		dir := filepath.Join(g.parent, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() {
			// It can be removed once its last process is gone.
			for end := time.Now().Add(10 * time.Second); os.Remove(dir) != nil && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			}
		})
		if _, err := os.Stat(filepath.Join(dir, "cgroup.procs")); err != nil {
			continue // a directory and no group
		}
		if os.WriteFile(filepath.Join(dir, g.file), []byte(strconv.FormatInt(limit, 10)), 0o600) != nil {
			continue
		}
		return fmt.Sprintf("in a %s of %d MiB", g.version, limit>>20), fmt.Sprintf("echo $$ > %s/cgroup.procs", dir)
	}
	return "without a cgroup", ""
}
