package sqlite

import (
	"fmt"
	"strings"
	"testing"
)

func fill(q *queue, source, client string, n, bytes int) {
	for i := range n {
		q.units = append(q.units, &Unit{Source: source, Client: client, Bytes: bytes, Work: name(fmt.Sprint(source, client, i))})
		q.count(q.units[len(q.units)-1], 1)
	}
}

// name is work that only has a name.
type name string

func (name) Apply(*Tx) error { return nil }

func TestQueue_FairShares(t *testing.T) {
	var q queue
	fill(&q, "a", "greedy", 2000, 1)
	fill(&q, "a", "modest", 3, 1)
	fill(&q, "b", "greedy", 500, 1)
	fill(&q, "c", "x", 1, 1)
	group, _ := q.take(nil)
	if len(group) != maxGroupUnits {
		t.Fatalf("%d units", len(group))
	}
	shares := map[string]int{}
	order := map[string]int{}
	for _, u := range group {
		shares[u.Source+" "+u.Client]++
		if string(u.Work.(name)) != fmt.Sprint(u.Source, u.Client, order[u.Source+u.Client]) {
			t.Fatalf("%s came out of order", u.Work)
		}
		order[u.Source+u.Client]++
	}
	if shares["a modest"] != 3 || shares["c x"] != 1 || shares["b greedy"] < 120 || shares["a greedy"] < 120 {
		t.Errorf("shares %v", shares)
	}
	if len(q.units) != 2504-maxGroupUnits || q.bytes != 2504-maxGroupUnits {
		t.Errorf("%d units with %d bytes are left", len(q.units), q.bytes)
	}
}

func TestQueue_GroupsEnd(t *testing.T) {
	var q queue
	fill(&q, "a", "", 3, maxGroupBytes/2)
	fill(&q, "big", "", 1, 3*maxGroupBytes)
	fill(&q, "b", "", 2, 1)
	q.units[4].Alone = true
	q.alone = 1
	var groups []string
	for {
		group, open := q.take(nil)
		if len(group) == 0 {
			if !open {
				t.Error("closed")
			}
			break
		}
		var names []string
		for _, u := range group {
			names = append(names, string(u.Work.(name)))
		}
		groups = append(groups, strings.Join(names, " "))
	}
	if got := strings.Join(groups, ", "); got != "a0 a1, a2, big0, b0, b1" {
		t.Error(got)
	}
	if q.bytes != 0 || q.alone != 0 {
		t.Errorf("%d bytes, %d alone", q.bytes, q.alone)
	}
	q.wake = make(chan struct{}, 1)
	q.close()
	if _, open := q.take(nil); open {
		t.Error("open")
	}
}
