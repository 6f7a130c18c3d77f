package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// A siege is what a few strangers can do to everybody, with requests that each are allowed. These tests run the real binary
// against it and compare what others get during the siege with what they got before, in the same run: figures of different runs say
// nothing on a machine that does other things. They take minutes and run with TROUPE_SIEGE=1.

const (
	// siegeShare is what is left to others at the least, of what they had: 1 in 10.
	siegeShare = 10
	// standstill is how long nobody waits for an answer, however busy the machine.
	standstill = 5 * time.Second
)

// siegeMode says whether the sieges run: "long" is with ten times as many rows.
const siegeMode = "TROUPE_SIEGE"

func underSiege(t *testing.T) {
	t.Helper()
	if os.Getenv(siegeMode) == "" {
		t.Skip(siegeMode + " is not set")
	}
}

// siegeRows is how many rows a siege has that has so many in short.
func siegeRows(short int) int {
	if os.Getenv(siegeMode) == "long" {
		return 10 * short
	}
	return short
}

// besieged starts a server with the collections "attacked" and "others", which everybody reads and writes.
func besieged(t *testing.T) (p *process, dir, root string) {
	t.Helper()
	underSiege(t)
	dir = t.TempDir() + "/data"
	superuser(t, dir)
	p = serve(t, dir, "--no-expand-all")
	root = p.signIn()
	for _, name := range []string{"attacked", "others"} {
		p.call("POST", "/api/collections", root, map[string]any{"name": name, "type": "base", "createRule": "", "updateRule": "", "deleteRule": "", "viewRule": "", "listRule": "",
			"fields": []map[string]any{{"name": "n", "type": "number"}, {"name": "title", "type": "text"}}}, 200)
	}
	return p, dir, root
}

// load is what several clients got in some time.
type load struct {
	done, failed int
	worst        time.Duration
	took         time.Duration
	failures     map[string]int
}

func (l load) perSecond() float64 { return float64(l.done) / l.took.Seconds() }

func (l load) String() string {
	return fmt.Sprintf("%.0f/s, longest %v, %d failed %v", l.perSecond(), l.worst.Round(time.Millisecond), l.failed, l.failures)
}

// measure lets clients do the same over and over, each on a connection of its own.
func measure(clients int, d time.Duration, one func(client *http.Client) (*http.Response, error)) load {
	l := load{failures: make(map[string]int)}
	var mu sync.Mutex
	var wg sync.WaitGroup
	began := time.Now()
	for range clients {
		wg.Go(func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: startDeadline}
			defer client.CloseIdleConnections()
			for time.Since(began) < d {
				at := time.Now()
				status := answered(one(client))
				waited := time.Since(at)
				mu.Lock()
				l.worst = max(l.worst, waited)
				if status == "200 OK" {
					l.done++
				} else {
					l.failed++
					l.failures[status]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	l.took = time.Since(began)
	return l
}

func answered(res *http.Response, err error) string {
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		return err.Error()
	}
	return res.Status
}

// creates measures creates by four clients.
func (p *process) creates(collection string, d time.Duration) load {
	body := []byte(`{"n":1,"title":"hello world"}`)
	return measure(4, d, func(client *http.Client) (*http.Response, error) {
		return client.Post(p.base+"/api/collections/"+collection+"/records", "application/json", bytes.NewReader(body))
	})
}

// holds fails the test when others got too little during a siege.
func holds(t *testing.T, what string, before, during load) {
	t.Helper()
	holdsShare(t, what, before, during, siegeShare)
}

// holdsShare is holds where 1 in share is left.
func holdsShare(t *testing.T, what string, before, during load, share float64) {
	t.Helper()
	t.Logf("%s: before %v; during %v", what, before, during)
	if during.perSecond()*share < before.perSecond() {
		t.Errorf("%s: %.0f of %.0f a second are left", what, during.perSecond(), before.perSecond())
	}
	if during.worst > standstill {
		t.Errorf("%s: somebody waited for %v", what, during.worst)
	}
	if during.failed > during.done/100 {
		t.Errorf("%s: %d of %d failed: %v", what, during.failed, during.done+during.failed, during.failures)
	}
}

// stream is an event stream that somebody reads.
type stream struct {
	conn   net.Conn
	reader *bufio.Reader
	id     string
}

// listen opens a stream.
func (p *process) listen() *stream {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, "GET /api/realtime HTTP/1.1\r\nHost: troupe\r\n\r\n"); err != nil {
		p.t.Fatal(err)
	}
	s := &stream{conn: conn, reader: bufio.NewReaderSize(conn, 64<<10)}
	var hello struct{ ClientID string }
	for hello.ClientID == "" {
		line, err := s.reader.ReadString('\n')
		if err != nil {
			p.t.Fatalf("event stream: %v", err)
		}
		if data, ok := strings.CutPrefix(line, "data:"); ok {
			if err := json.Unmarshal([]byte(data), &hello); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	s.id = hello.ClientID
	return s
}

// subscribe sets the topics of a stream and returns the status.
func (p *process) subscribe(s *stream, topics ...string) (int, error) {
	a, err := p.try("POST", "/api/realtime", "", map[string]any{"clientId": s.id, "subscriptions": topics})
	return a.Status, err
}

// drain reads a stream to its end.
func (s *stream) drain() { io.Copy(io.Discard, s.reader) }
