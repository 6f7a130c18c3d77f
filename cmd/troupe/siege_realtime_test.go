package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// filtered is a topic of all records that meet a filter.
func filtered(collection, filter string) string {
	options, _ := json.Marshal(map[string]any{"query": map[string]any{"filter": filter}})
	return collection + "/*?options=" + url.QueryEscape(string(options))
}

// topics are 1,000 of them.
func topics(topic func(i int) string) []string {
	list := make([]string, 1000)
	for i := range list {
		list[i] = topic(i)
	}
	return list
}

// TestSiegeOfTopics: four guests replace a thousand long topics over and over, and sixty with a thousand topics each hang up at
// once. Whether the server takes all of it or refuses, others write meanwhile.
func TestSiegeOfTopics(t *testing.T) {
	p, _, _ := besieged(t)
	before := p.creates("others", 2*time.Second)
	var stop atomic.Bool
	var taken, refused atomic.Int64
	ended := make(chan struct{}, 4)
	for guest := range 4 {
		s := p.listen()
		go s.drain()
		long := strings.Repeat("a", 2400)
		var bodies [2][]byte
		for i := range bodies {
			bodies[i], _ = json.Marshal(map[string]any{"clientId": s.id, "subscriptions": topics(func(n int) string { return fmt.Sprintf("%s%d%d%05d", long, guest, i, n) })})
		}
		go func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: startDeadline}
			defer client.CloseIdleConnections()
			for i := 0; !stop.Load(); i++ {
				switch status := answered(client.Post(p.base+"/api/realtime", "application/json", bytes.NewReader(bodies[i%2]))); status {
				case "204 No Content":
					taken.Add(1)
				default:
					refused.Add(1)
				}
			}
			ended <- struct{}{}
		}()
	}
	during := p.creates("others", 4*time.Second)
	stop.Store(true)
	for range 4 {
		<-ended
	}
	t.Logf("topics were replaced %d times and refused %d times", taken.Load(), refused.Load())
	// Sending 2.4 MB over and over takes as much of the machine as reading them: the guests are on it, too.
	holdsShare(t, "creates while topics are replaced", before, during, 3*siegeShare)

	var guests []*stream
	for guest := range 60 {
		s := p.listen()
		go s.drain()
		if _, err := p.subscribe(s, topics(func(i int) string { return filtered("attacked", fmt.Sprintf("n = %d", guest*1000+i)) })...); err != nil {
			t.Fatal(err)
		}
		guests = append(guests, s)
	}
	for _, s := range guests {
		s.conn.Close()
	}
	holds(t, "creates while sixty guests hang up", before, p.creates("others", 4*time.Second))
}

// TestSiegeOfFilters: a guest listens to a collection with a thousand filters, and it is written. The writers of others do not
// wait for what that costs.
func TestSiegeOfFilters(t *testing.T) {
	p, _, _ := besieged(t)
	before := p.creates("others", 2*time.Second)
	s := p.listen()
	go s.drain()
	status, err := p.subscribe(s, topics(func(i int) string { return filtered("attacked", fmt.Sprintf("title ~ 'zz%d' || n > %d", i, 1000+i)) })...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a thousand filters: %d", status)
	written := make(chan load, 1)
	go func() { written <- p.creates("attacked", 5*time.Second) }()
	during := p.creates("others", 4*time.Second)
	t.Logf("creates in the collection itself: %v", <-written)
	holds(t, "creates in another collection than the filtered one", before, during)
}
