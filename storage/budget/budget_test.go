package budget_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/troupebase/troupe/storage/budget"
)

func TestShareBoundsClientsAndAll(t *testing.T) {
	s := budget.New(1000).Share("topics", 50, 40) // 500 in all, 200 for one
	for i, step := range []struct {
		client string
		bytes  int64
		full   string // "", "client" or "share"
	}{
		{"a", 150, ""},
		{"a", 51, "client"},
		{"a", 50, ""},
		{"b", 200, ""},
		{"c", 101, "share"},
		{"c", 100, ""},
		{"", 1, "share"},
	} {
		err := s.Take(step.client, step.bytes)
		var full *budget.FullError
		got := ""
		if errors.As(err, &full) {
			if got = "share"; full.Client {
				got = "client"
			}
		}
		if got != step.full {
			t.Fatalf("step %d: Take(%q, %d) = %v, want full %q", i, step.client, step.bytes, err, step.full)
		}
	}
	s.Give("a", 200)
	s.Give("c", 100)
	if u := s.Usage(); u.Used != 200 || u.Clients != 1 || u.Refused != 3 {
		t.Fatalf("after giving back: %+v", u)
	}
	if err := s.Take("", 300); err != nil {
		t.Fatalf("the server itself is bounded by the share alone: %v", err)
	}
}

func TestNilShareHasNoLimit(t *testing.T) {
	var s *budget.Share
	if err := s.Take("a", 1<<60); err != nil {
		t.Fatal(err)
	}
	s.Give("a", 1<<60)
}

func TestShareUnderConcurrency(t *testing.T) {
	s := budget.New(1000).Share("bodies", 100, 100)
	var wg sync.WaitGroup
	for i := range 8 {
		client := fmt.Sprint(i % 3)
		wg.Go(func() {
			for range 1000 {
				if s.Take(client, 90) == nil {
					if u := s.Usage(); u.Used > u.Limit {
						t.Errorf("used %d of %d", u.Used, u.Limit)
					}
					s.Give(client, 90)
				}
			}
		})
	}
	wg.Wait()
	if u := s.Usage(); u.Used != 0 || u.Clients != 0 {
		t.Fatalf("something was left behind: %+v", u)
	}
}

func TestFromMemory(t *testing.T) {
	for memory, want := range map[int64]int64{
		1 << 20:   16 << 20,
		256 << 20: 64 << 20,
		24 << 30:  160 << 20,
	} {
		if got := budget.FromMemory(memory).Total(); got != want {
			t.Errorf("%d bytes of memory: budget %d, want %d", memory, got, want)
		}
	}
	if m := budget.Memory(); m < 64<<20 {
		t.Errorf("this machine has %d bytes?", m)
	}
}
