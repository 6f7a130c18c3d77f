package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"zombiezen.com/go/sqlite/sqlitex"
)

// scannedRows are as many as keep a core busy for some hundred milliseconds for each scan.
const scannedRows = 50_000

// TestSiegeOfScans: forty guests have tables read from end to end. Others view single records meanwhile.
func TestSiegeOfScans(t *testing.T) {
	p, dir, _ := besieged(t)
	conn := openData(t, dir)
	sql := fmt.Sprintf("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < %d) INSERT INTO attacked (id, n, title) SELECT printf('x%%014d', i), i, 'the quick brown fox ' || i || hex(randomblob(60)) FROM c", siegeRows(scannedRows))
	if err := sqlitex.ExecuteTransient(conn, sql, nil); err != nil {
		t.Fatal(err)
	}
	var made struct{ ID string }
	p.call("POST", "/api/collections/others/records", "", map[string]any{"n": 1}, 200).decode(t, &made)
	views := func() load {
		return measure(8, 4*time.Second, func(client *http.Client) (*http.Response, error) {
			return client.Get(p.base + "/api/collections/others/records/" + made.ID)
		})
	}
	var like []string
	for i := range 8 {
		like = append(like, fmt.Sprintf("title ~ '%%q%%z%dz'", i))
	}
	beside := func(scanners int) load {
		var stop atomic.Bool
		var scans, refused atomic.Int64
		var wg sync.WaitGroup
		for s := range scanners {
			wg.Go(func() {
				client := &http.Client{Transport: &http.Transport{}, Timeout: startDeadline}
				defer client.CloseIdleConnections()
				for i := 0; !stop.Load(); i++ {
					filter := strings.Join(like, "||") + fmt.Sprintf("||n=-%d%d", s, i)
					res, err := client.Get(p.base + "/api/collections/attacked/records?sort=title,-n&filter=" + url.QueryEscape(filter))
					if answered(res, err) == "200 OK" {
						scans.Add(1)
					} else {
						refused.Add(1)
						time.Sleep(10 * time.Millisecond) // as somebody who tries again
					}
				}
			})
		}
		l := views()
		stop.Store(true)
		wg.Wait()
		t.Logf("%d scanners: %d scans, %d refused; views %v", scanners, scans.Load(), refused.Load(), l)
		return l
	}
	few := beside(8)
	holds(t, "views beside forty scanners", few, beside(40))
}
