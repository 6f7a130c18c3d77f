package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestHostileGuestsUnderLoad runs guests that loop, take memory and trap without end beside clients who have nothing to do with
// them. Every request is answered, and the memory of the server stays bounded. How long the others wait is logged, with -v over a
// time that is long enough to mean something.
func TestHostileGuestsUnderLoad(t *testing.T) {
	duration := 500 * time.Millisecond
	if testing.Verbose() {
		duration = 5 * time.Second
	}
	h := &hostileLoad{process: serveHostile(t), duration: duration}
	h.base = h.rss()
	h.measure(0, "nothing")
	h.base = h.rss()
	h.measure(1, "loop")
	h.measure(2, "loop")
	for _, hostile := range []string{"loop", "memory", "calls", "trap"} {
		h.measure(4, hostile)
	}
	h.call("GET", "/api/health", "", nil, 200)
}

// serveHostile starts a server with one collection whose creates a guest sees, and one that it has nothing to do with.
func serveHostile(t *testing.T) *process {
	t.Helper()
	home := t.TempDir()
	dir, extensions := filepath.Join(home, "data"), filepath.Join(home, "guests")
	if err := os.Mkdir(extensions, 0o700); err != nil {
		t.Fatal(err)
	}
	wasm, err := os.ReadFile("../../httpx/api/testdata/probe.wasm")
	if err == nil {
		err = os.WriteFile(filepath.Join(extensions, "probe.wasm"), wasm, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	superuser(t, dir)
	p := serve(t, dir, "--extensions="+extensions)
	root := p.signIn()
	for _, name := range []string{"hooked", "plain"} {
		p.call("POST", "/api/collections", root, map[string]any{"name": name, "type": "base", "createRule": "", "listRule": "",
			"fields": []map[string]any{{"name": map[string]string{"hooked": "script", "plain": "title"}[name], "type": "text"}}}, 200)
	}
	for range 30 {
		p.call("POST", "/api/collections/plain/records", "", map[string]any{"title": "one of thirty"}, 200)
	}
	return p
}

// hostileLoad is a server, for how long each measurement goes on, and the memory of the server before.
type hostileLoad struct {
	*process
	duration time.Duration
	base     int64
}

// measure lists and creates in the plain collection, beside clients whose guest misbehaves.
func (h *hostileLoad) measure(clients int, hostile string) {
	var wg sync.WaitGroup
	var calls atomic.Int64
	end := time.Now().Add(h.duration)
	for range clients {
		wg.Go(func() { calls.Add(h.misbehave(end, hostile)) })
	}
	var lists, creates []time.Duration
	var mu sync.Mutex
	for range 2 {
		wg.Go(func() {
			times := h.repeat(end, "GET", "/api/collections/plain/records", nil)
			mu.Lock()
			lists = append(lists, times...)
			mu.Unlock()
		})
		wg.Go(func() {
			times := h.repeat(end, "POST", "/api/collections/plain/records", map[string]any{"title": "another"})
			mu.Lock()
			creates = append(creates, times...)
			mu.Unlock()
		})
	}
	wg.Wait()
	h.t.Logf("%d × %-7s lists %s; creates %s; hostile calls %d; RSS %d MiB", clients, hostile, quantiles(lists), quantiles(creates), calls.Load(), h.rss()>>20)
	if grown := h.rss() - h.base; grown > 400<<20 {
		h.t.Errorf("the server has grown by %d MiB", grown>>20)
	}
}

// misbehave has a guest do something hostile again and again, and returns how often.
func (h *hostileLoad) misbehave(end time.Time, hostile string) (calls int64) {
	for time.Now().Before(end) {
		a, err := h.try("POST", "/api/collections/hooked/records", "", map[string]any{"script": "record.create<\thostile\t" + hostile})
		if err != nil || a.Status != 500 && a.Status != 503 {
			h.t.Errorf("%s: %d %s %v", hostile, a.Status, a.Body, err)
			return calls
		}
		calls++
		// A good call between keeps the module from being suspended.
		if _, err := h.try("POST", "/api/collections/hooked/records", "", map[string]any{"script": ""}); err != nil {
			h.t.Error(err)
			return calls
		}
	}
	return calls
}

// repeat sends a request again and again and returns how long the answers took. Each must be a 200.
func (p *process) repeat(end time.Time, method, path string, body any) (times []time.Duration) {
	for time.Now().Before(end) {
		start := time.Now()
		a, err := p.try(method, path, "", body)
		if err != nil || a.Status != 200 {
			p.t.Errorf("%s %s: %d %s %v", method, path, a.Status, a.Body, err)
			return times
		}
		times = append(times, time.Since(start))
	}
	return times
}

func quantiles(times []time.Duration) string {
	if len(times) == 0 {
		return "none"
	}
	slices.Sort(times)
	at := func(q float64) time.Duration {
		return times[int(q*float64(len(times)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%d, p50 %v, p99 %v, most %v", len(times), at(.5), at(.99), at(1))
}

// rss is the resident memory of the server in bytes; 0 where the system does not tell.
func (p *process) rss() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "VmRSS:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64)
			return kib << 10
		}
	}
	return 0
}
