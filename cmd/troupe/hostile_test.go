package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
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
	base := p.rss()
	measure := func(clients int, hostile string) {
		var wg sync.WaitGroup
		end := time.Now().Add(duration)
		bad := make([]int, 4)
		if clients > 0 {
			for i := range clients {
				wg.Go(func() {
					for time.Now().Before(end) {
						a, err := p.try("POST", "/api/collections/hooked/records", "", map[string]any{"script": "record.create<\thostile\t" + hostile})
						if err != nil || a.Status != 500 && a.Status != 503 {
							t.Errorf("%s: %d %s %v", hostile, a.Status, a.Body, err)
							return
						}
						bad[i]++
						// A good call between keeps the module from being suspended.
						if _, err := p.try("POST", "/api/collections/hooked/records", "", map[string]any{"script": ""}); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
		}
		var lists, creates []time.Duration
		var mu sync.Mutex
		for range 2 {
			wg.Go(func() {
				times := p.repeat(end, "GET", "/api/collections/plain/records", nil)
				mu.Lock()
				lists = append(lists, times...)
				mu.Unlock()
			})
			wg.Go(func() {
				times := p.repeat(end, "POST", "/api/collections/plain/records", map[string]any{"title": "another"})
				mu.Lock()
				creates = append(creates, times...)
				mu.Unlock()
			})
		}
		wg.Wait()
		t.Logf("%d × %-7s lists %s; creates %s; hostile calls %d; RSS %d MiB", clients, hostile, quantiles(lists), quantiles(creates), bad[0]+bad[1]+bad[2]+bad[3], p.rss()>>20)
		if grown := p.rss() - base; grown > 400<<20 {
			t.Errorf("the server has grown by %d MiB", grown>>20)
		}
	}
	measure(0, "nothing")
	base = p.rss()
	measure(1, "loop")
	measure(2, "loop")
	for _, hostile := range []string{"loop", "memory", "calls", "trap"} {
		measure(4, hostile)
	}
	p.call("GET", "/api/health", "", nil, 200)
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
