package api_test

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

// vaultReads counts the answers and the values that they show.
type vaultReads struct{ answered, shown atomic.Int64 }

// read looks for the hidden value in one answer; false means that it, or something else that is wrong, was there.
func (r *vaultReads) read(ctx context.Context, t *testing.T, base, path string) bool {
	req, err := http.NewRequestWithContext(ctx, "GET", base+"/api/collections/vault/"+path, nil)
	if err != nil {
		t.Error(err)
		return false
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return true // the end of the test
	}
	raw, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		return true
	}
	r.answered.Add(1)
	body := string(raw)
	r.shown.Add(int64(strings.Count(body, `"public"`)))
	if strings.Contains(body, "HIDDEN") {
		t.Errorf("%s shows the hidden value: %s", path, body)
		return false
	}
	if strings.Contains(path, "HIDDEN") && strings.Contains(body, "public") {
		t.Errorf("%s finds rows by the hidden value: %s", path, body)
		return false
	}
	if res.StatusCode != http.StatusOK && !strings.Contains(path, "filter") && !strings.Contains(path, "sort") {
		t.Errorf("%s: %d %s", path, res.StatusCode, body)
		return false
	}
	return true
}

// swapNames gives each of the two columns the other's name.
func swapNames(fields []map[string]any) {
	for _, f := range fields {
		switch f["name"] {
		case "one":
			f["name"] = "two"
		case "two":
			f["name"] = "one"
		}
	}
}

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
	var seen vaultReads
	for n := range 4 {
		wg.Go(func() {
			for i := n; ctx.Err() == nil && seen.read(ctx, t, g.base, reads[i%len(reads)]); i++ {
			}
		})
	}
	for range swaps {
		swapNames(definition.Fields)
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
	if seen.answered.Load() < swaps || seen.shown.Load() == 0 {
		t.Errorf("%d answers, %d values shown", seen.answered.Load(), seen.shown.Load())
	}
	t.Logf("%d answers while names were swapped %d times", seen.answered.Load(), swaps)
}
