package main_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// floodPhase is how long each phase is measured.
const floodPhase = 5 * time.Second

// BenchmarkViewDuringLoginFlood measures how long views take beside a flood of sign-ins, which cost tens of milliseconds of
// a core each: the tail of a view may not become longer than three times that of a quiet server, and what the queue of
// passwords cannot take is refused with 429 or 503. The clients share the machine with the server.
//
//	go test -run '^$' -bench LoginFlood -benchtime 1x ./cmd/troupe
func BenchmarkViewDuringLoginFlood(b *testing.B) {
	for _, c := range []struct{ viewers, flood int }{{1, 64}, {16, 64}, {64, 64}, {16, 256}} {
		b.Run(fmt.Sprintf("views=%d/sign-ins=%d", c.viewers, c.flood), func(b *testing.B) { measureFlood(b, c.viewers, c.flood) })
	}
}

func measureFlood(b *testing.B, viewers, connections int) {
	dir := filepath.Join(b.TempDir(), "data")
	superuser(b, dir)
	p := serve(b, dir)
	root := p.signIn()
	p.call("POST", "/api/collections", root, map[string]any{
		"name": "notes", "type": "base", "viewRule": "", "fields": []any{map[string]any{"name": "text", "type": "text"}},
	}, 200)
	p.call("POST", "/api/collections/notes/records", root, map[string]any{"id": "noteaaaaaaaaaa1", "text": "hello"}, 200)
	p.call("POST", "/api/collections/users/records", root, map[string]any{"email": "ann@x.test", "password": "12345678", "passwordConfirm": "12345678"}, 200)
	client := &http.Transport{MaxIdleConnsPerHost: connections + viewers}
	http.DefaultClient.Transport = client
	b.Cleanup(func() {
		client.CloseIdleConnections()
		http.DefaultClient.Transport = nil
	})
	for b.Loop() {
		p.views(b, viewers, floodPhase/5) // warm
		quiet := p.views(b, viewers, floodPhase)
		flood := p.floodSignIns(connections)
		beside := p.views(b, viewers, floodPhase)
		flood.end()
		if flood.failed.Load() > 0 {
			b.Errorf("%d sign-ins had another outcome", flood.failed.Load())
		}
		reportFlood(b, quiet, beside, flood)
	}
}

// signInFlood is what became of many sign-ins with a wrong password.
type signInFlood struct {
	stop                      chan struct{}
	clients                   sync.WaitGroup
	answered, refused, failed atomic.Int64
}

func (f *signInFlood) end() {
	close(f.stop)
	f.clients.Wait()
}

// floodSignIns has clients sign in without a pause, every other one as somebody who is not there.
func (p *process) floodSignIns(connections int) *signInFlood {
	f := &signInFlood{stop: make(chan struct{})}
	for i := range connections {
		f.clients.Go(func() {
			identity := "ann@x.test"
			if i%2 == 0 {
				identity = "nobody@x.test"
			}
			for {
				select {
				case <-f.stop:
					return
				default:
				}
				a, err := p.try("POST", "/api/collections/users/auth-with-password", "", map[string]any{"identity": identity, "password": "wrong-password"})
				switch {
				case err != nil:
					f.failed.Add(1)
				case a.Status == 429, a.Status == 503:
					f.refused.Add(1)
				case a.Status == 400:
					f.answered.Add(1)
				default:
					f.failed.Add(1)
				}
			}
		})
	}
	return f
}

func reportFlood(b *testing.B, quiet, beside []time.Duration, f *signInFlood) {
	b.Helper()
	b.ReportMetric(float64(percentile(quiet, 50).Microseconds()), "quiet-p50-µs")
	b.ReportMetric(float64(percentile(quiet, 99).Microseconds()), "quiet-p99-µs")
	b.ReportMetric(float64(percentile(beside, 50).Microseconds()), "flood-p50-µs")
	b.ReportMetric(float64(percentile(beside, 99).Microseconds()), "flood-p99-µs")
	b.ReportMetric(float64(len(quiet))/floodPhase.Seconds(), "quiet-views/s")
	b.ReportMetric(float64(len(beside))/floodPhase.Seconds(), "flood-views/s")
	b.ReportMetric(float64(f.answered.Load())/floodPhase.Seconds(), "signins/s")
	b.ReportMetric(float64(f.refused.Load())/floodPhase.Seconds(), "refused/s")
}

// views asks for a record on some connections for a while and returns how long each answer took, sorted.
func (p *process) views(b *testing.B, connections int, how time.Duration) []time.Duration {
	var mu sync.Mutex
	var all []time.Duration
	var running sync.WaitGroup
	end := time.Now().Add(how)
	for range connections {
		running.Go(func() {
			var own []time.Duration
			for time.Now().Before(end) {
				began := time.Now()
				a, err := p.try("GET", "/api/collections/notes/records/noteaaaaaaaaaa1", "", nil)
				if err != nil || a.Status != 200 {
					b.Errorf("view: %d %v", a.Status, err)
					return
				}
				own = append(own, time.Since(began))
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, own...)
		})
	}
	running.Wait()
	slices.Sort(all)
	return all
}

func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[(len(sorted)-1)*p/100]
}
