//go:build unix

package records_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
)

// cpuTime is what the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// sizeRig has as many posts, under a list rule, and an index to sort them by.
func sizeRig(b *testing.B, rows int, rule string) *rig {
	g := newRig(b, fmt.Sprintf(`{"type":"base","name":"posts","listRule":%q,"viewRule":"","createRule":"","fields":[{"type":"text","name":"title"},
		{"type":"text","name":"body"},{"type":"number","name":"n"},{"type":"text","name":"owner"},{"type":"autodate","name":"created","onCreate":true}],
		"indexes":["CREATE INDEX idx_n ON posts (n)"]}`, rule))
	// 7919 is prime to the numbers of rows, so that n is a permutation.
	g.exec(fmt.Sprintf("WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < %d) INSERT INTO posts (id, title, body, n, owner, created) "+
		"SELECT printf('%%015d', i), 'Title ' || i, 'some body of text that is a bit longer than the title', i * 7919 %% %d, 'o' || i %% 100, "+
		"'2024-01-01 00:00:00.000Z' FROM i", rows-1, rows))
	return g
}

// benchLists lists until b has enough and reports the CPU time of the process for each list.
func benchLists(b *testing.B, g *rig, in *records.ListInput) {
	var dst []byte
	list := func() {
		var err error
		if dst, _, err = g.store.List(context.Background(), dst[:0], in); err != nil {
			b.Fatal(err)
		}
	}
	list() // compiled and counted
	start := cpuTime(b)
	for b.Loop() {
		list()
	}
	b.ReportMetric(float64((cpuTime(b)-start).Microseconds())/float64(b.N), "cpu-µs/op")
}

// BenchmarkListBySize shows that a page costs the same whatever the size of the collection.
func BenchmarkListBySize(b *testing.B) {
	for _, rows := range []int{1_000, 1_000_000} {
		if rows > 10_000 && testing.Short() {
			continue
		}
		g := sizeRig(b, rows, "")
		for _, tt := range []struct {
			name, sort, filter string
			skipTotal          bool
		}{
			{"skipTotal/byId", "id", "", true},
			{"skipTotal/byIdDown", "-id", "", true},
			{"skipTotal/byIndex", "-n", "", true},
			{"total", "", "", false},
			{"total/filter", "", "n >= 0", false},
		} {
			b.Run(fmt.Sprintf("%d/%s", rows, tt.name), func(b *testing.B) {
				in := g.input("posts", nil)
				in.Caller.Superuser = false
				benchLists(b, g, &records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 30, SkipTotal: tt.skipTotal, Sort: tt.sort, Filter: tt.filter})
			})
		}
	}
}

// BenchmarkListBesideCreates shows what a hundred creates a second in the same collection do to the cost of a list. Ten
// lists come for each of them, so that a recount after each create would show. The figure is the CPU time of the process
// while lists run; the creates themselves are not in it.
func BenchmarkListBesideCreates(b *testing.B) {
	const creates, listsPerCreate = 100, 10
	for _, tt := range []struct{ name, rule, filter string }{
		{"all", "", ""}, {"filter", "", "n > 10 && title ~ 'tit'"}, {"rule", "@request.auth.id != '' && owner = @request.auth.id", ""},
	} {
		g := sizeRig(b, 10_000, tt.rule)
		reader := &filter.Identity{Collection: g.catalogue.Load().Find("users"), ID: "o1"}
		for _, beside := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/creates=%v", tt.name, beside), func(b *testing.B) {
				in := g.input("posts", map[string]any{"title": "one more title", "n": 50.0, "owner": "o1"})
				in.Caller.Superuser, in.Caller.Request.Auth = false, reader
				list := &records.ListInput{CollectionID: in.CollectionID, Caller: in.Caller, Page: 1, PerPage: 30, Filter: tt.filter}
				var dst []byte
				var spent time.Duration
				tick := time.NewTicker(time.Second / creates)
				defer tick.Stop()
				n := 0
				for b.Loop() {
					if n%listsPerCreate == 0 {
						<-tick.C
						if beside {
							g.create("posts", in.Body)
						}
					}
					n++
					start := cpuTime(b)
					var err error
					if dst, _, err = g.store.List(context.Background(), dst[:0], list); err != nil {
						b.Fatal(err)
					}
					spent += cpuTime(b) - start
				}
				b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "cpu-µs/op")
			})
		}
	}
}
