package main_test

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// besiegingFamily is how many records go along with one that is deleted: a second or more of work. Ten times as many are more than a
// deletion may bring along.
const besiegingFamily = 49_000

// TestSiegeCascade deletes a record with many others: meanwhile others write, and subscribers that keep up hear of each of them once.
func TestSiegeCascade(t *testing.T) {
	underSiege(t)
	family := siegeRows(besiegingFamily)
	dir := t.TempDir() + "/data"
	superuser(t, dir)
	p := serve(t, dir)
	p.familyOf(p.signIn())
	p.kill()
	id := breed(t, dir, 1, family)
	p = serve(t, dir)
	var heard [2]atomic.Int64
	var twice atomic.Int64
	for i := range heard {
		s := p.listen()
		if status, err := p.subscribe(s, "kids/*", "parents/*"); err != nil || status != 204 {
			t.Fatal(status, err)
		}
		go s.count(&heard[i], &twice)
	}
	before := p.creates("others", 2*time.Second)
	deleted := make(chan time.Duration, 1)
	go func() {
		began := time.Now()
		p.call("DELETE", "/api/collections/parents/records/"+id, "", nil, 204)
		deleted <- time.Since(began)
	}()
	during := p.creates("others", 4*time.Second)
	holds(t, "creates beside a cascade", before, during)
	if during.worst > 2*time.Second {
		t.Errorf("somebody waited for %v", during.worst)
	}
	took := <-deleted
	for end := time.Now().Add(startDeadline); ; time.Sleep(10 * time.Millisecond) {
		if heard[0].Load() == int64(family)+1 && heard[1].Load() == int64(family)+1 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("subscribers heard of %d and %d records", heard[0].Load(), heard[1].Load())
		}
	}
	if twice.Load() > 0 {
		t.Errorf("%d records were told twice", twice.Load())
	}
	conn := openData(t, dir)
	if n := number(t, conn, "SELECT COUNT(*) FROM kids"); n != 0 {
		t.Errorf("%d records are left", n)
	}
	t.Logf("deleted after %v", took.Round(time.Millisecond))
}

// count counts the records of which a stream tells, and those of which it tells again, until it ends.
func (s *stream) count(heard, twice *atomic.Int64) {
	seen := make(map[string]bool)
	for {
		line, err := s.reader.ReadString('\n')
		if err != nil {
			return
		}
		data, ok := strings.CutPrefix(line, "data:")
		if !ok {
			continue
		}
		var event struct {
			Record struct{ ID, CollectionName string }
		}
		if json.Unmarshal([]byte(data), &event) != nil || event.Record.ID == "" {
			continue
		}
		key := event.Record.CollectionName + event.Record.ID
		if seen[key] {
			twice.Add(1)
		}
		seen[key] = true
		heard.Add(1)
	}
}
