package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// swaps is how often the names are swapped while others read.
const swaps = 20

// Law 5: while two columns, one of them hidden, swap their names, no answer ever shows the hidden one's value, and no guest
// finds it by a filter.
func TestLaw5NamesAreSwappedWhileOthersRead(t *testing.T) {
	g := newRig(t, nil)
	c := g.collection(`{"name":"vault","type":"base","fields":[
		{"id":"field_a","name":"one","type":"text"},{"id":"field_b","name":"two","type":"text","hidden":true},{"name":"n","type":"number"}]}`)
	token := g.superuser()
	var id any
	for i := range 20 {
		status, out := g.sendTyped(token, "application/json", "POST", "/api/collections/vault/records", fmt.Sprintf(`{"one":"public","two":"HIDDEN","n":%d}`, i))
		if status != http.StatusOK {
			t.Fatal(status, out)
		}
		id = out["id"]
	}
	var definition struct{ Fields []map[string]any }
	if err := json.Unmarshal(c.AppendAPI(nil), &definition); err != nil {
		t.Fatal(err)
	}
	reads := []string{
		"records?perPage=5", "records?skipTotal=1&sort=n", "records?fields=id,one,two&sort=-one", "records?filter=n%3E3",
		"records?filter=one='HIDDEN'||two='HIDDEN'", "records?filter=one='HIDDEN'", "records?filter=two='HIDDEN'", fmt.Sprint("records/", id),
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	var answered, shown atomic.Int64
	for r := range 4 {
		wg.Go(func() {
			for i := r; ctx.Err() == nil; i++ {
				path := reads[i%len(reads)]
				req, err := http.NewRequestWithContext(ctx, "GET", g.base+"/api/collections/vault/"+path, nil)
				if err != nil {
					t.Error(err)
					return
				}
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					continue // the end of the test
				}
				raw, err := io.ReadAll(res.Body)
				res.Body.Close()
				if err != nil {
					continue
				}
				answered.Add(1)
				body := string(raw)
				shown.Add(int64(strings.Count(body, `"public"`)))
				if strings.Contains(body, "HIDDEN") {
					t.Errorf("%s shows the hidden value: %s", path, body)
					return
				}
				if strings.Contains(path, "HIDDEN") && strings.Contains(body, "public") {
					t.Errorf("%s finds rows by the hidden value: %s", path, body)
					return
				}
				if res.StatusCode != http.StatusOK && !strings.Contains(path, "filter") && !strings.Contains(path, "sort") {
					t.Errorf("%s: %d %s", path, res.StatusCode, body)
					return
				}
			}
		})
	}
	for range swaps {
		for _, f := range definition.Fields {
			switch f["name"] {
			case "one":
				f["name"] = "two"
			case "two":
				f["name"] = "one"
			}
		}
		body, err := json.Marshal(map[string]any{"fields": definition.Fields})
		if err != nil {
			t.Fatal(err)
		}
		if status, out := g.sendTyped(token, "application/json", "PATCH", "/api/collections/vault", string(body)); status != http.StatusOK {
			t.Fatalf("swap: %d %v", status, out)
		}
	}
	cancel()
	wg.Wait()
	if answered.Load() < swaps || shown.Load() == 0 {
		t.Errorf("%d answers, %d values shown", answered.Load(), shown.Load())
	}
	t.Logf("%d answers while names were swapped %d times", answered.Load(), swaps)
}
