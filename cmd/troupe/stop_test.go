package main_test

import (
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// TestStopAnswersWhatWasAccepted sends SIGTERM while clients write: every record whose creation was answered is there
// after the next start, nobody who was let in goes unanswered with an error of the server, and the process ends well.
func TestStopAnswersWhatWasAccepted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	superuser(t, dir)
	p := serve(t, dir)
	root := p.signIn()
	p.call("POST", "/api/collections", root, map[string]any{"name": "notes", "type": "base", "createRule": "", "viewRule": "",
		"fields": []map[string]any{{"name": "n", "type": "number"}}}, 200)

	var mu sync.Mutex
	var written []string
	var answered atomic.Int64
	enough := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				a, err := p.try("POST", "/api/collections/notes/records", "", map[string]any{"n": 1})
				if err != nil {
					return // the listener is closed
				}
				if a.Status == http.StatusServiceUnavailable {
					return // turned away, and told so
				}
				if a.Status != http.StatusOK {
					t.Errorf("create: %d %s", a.Status, a.Body)
					return
				}
				var r struct{ ID string }
				a.decode(t, &r)
				mu.Lock()
				written = append(written, r.ID)
				mu.Unlock()
				if answered.Add(1) == 50 {
					close(enough)
				}
			}
		})
	}
	<-enough
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.wait(); err != nil {
		t.Errorf("the server ended with %v\n%s", err, p.logs)
	}
	wg.Wait()
	p = serve(t, dir)
	for _, id := range written {
		p.call("GET", "/api/collections/notes/records/"+id, "", nil, 200)
	}
}
