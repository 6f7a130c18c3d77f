package examples

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe"
)

// shopCollections are those that the shop works with. What an order has to look like is checked after the extension's hook.
const shopCollections = `[
	{"id": "products", "name": "products", "type": "base", "listRule": "", "viewRule": "", "fields": [
		{"name": "name", "type": "text", "required": true}, {"name": "stock", "type": "number", "min": 0}]},
	{"id": "orders", "name": "orders", "type": "base", "createRule": "@request.auth.id != \"\"", "fields": [
		{"name": "product", "type": "relation", "collectionId": "products", "maxSelect": 1, "required": true},
		{"name": "qty", "type": "number", "required": true, "min": 1, "onlyInt": true}]},
	{"id": "audit", "name": "audit", "type": "base", "fields": [
		{"name": "what", "type": "text"}, {"name": "rec", "type": "text"}, {"name": "by", "type": "text"}]},
	{"id": "visits", "name": "visits", "type": "base", "createRule": "", "fields": [{"name": "n", "type": "number"}]}]`

// shop is a server with the extension shop and somebody who is signed in.
type shop struct {
	app    *troupe.App
	base   string
	token  string
	user   string
	log    *journal
	client *http.Client
}

// openShop serves a directory with a module in it, over HTTP on this machine, until the test ends.
func openShop(t testing.TB, wasm []byte, limits troupe.ExtensionLimits) *shop {
	t.Helper()
	home := t.TempDir()
	extensions := filepath.Join(home, "extensions")
	if err := os.Mkdir(extensions, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(extensions, "shop.wasm"), wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &shop{log: &journal{}, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}}
	s.app = troupe.New(troupe.Options{Dir: filepath.Join(home, "data"), Extensions: extensions, ExtensionLimits: limits,
		Logger: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	ctx, stop := context.WithCancel(context.Background())
	started, ended := make(chan net.Addr, 1), make(chan error, 1)
	go func() {
		ended <- s.app.RunWith(ctx, "127.0.0.1:0", func(addr net.Addr) error {
			started <- addr
			return nil
		})
	}()
	t.Cleanup(func() {
		s.client.CloseIdleConnections()
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case addr := <-started:
		s.base = "http://" + addr.String()
	case err := <-ended:
		ended <- err
		t.Fatal("the server does not start")
	}
	if len(s.app.Extensions()) != 1 {
		t.Fatalf("the extension is not loaded; log:\n%s", s.log.take())
	}
	s.furnish(t)
	return s
}

// furnish makes collections, settings and a user.
func (s *shop) furnish(t testing.TB) {
	t.Helper()
	ctx := context.Background()
	if err := s.app.ImportCollections(ctx, []byte(shopCollections), false); err != nil {
		t.Fatal(err)
	}
	_, err := s.app.SaveSettings(ctx, func(settings *troupe.Settings) error {
		settings.Batch.Enabled = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ann, err := s.app.NewRecord("users")
	if err != nil {
		t.Fatal(err)
	}
	ann.Set("email", "ann@example.com")
	ann.Set("password", "1234567890")
	if err := s.app.Save(ctx, ann); err != nil {
		t.Fatal(err)
	}
	if s.token, err = s.app.NewAuthToken(ann); err != nil {
		t.Fatal(err)
	}
	s.user = ann.ID()
}

// answer is what a request came to.
type answer struct {
	status int
	body   []byte
}

// at is a text at a place of the body, "" where there is none.
func (a answer) at(path ...string) string {
	var v any
	if json.Unmarshal(a.body, &v) != nil {
		return ""
	}
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	text, _ := v.(string)
	return text
}

// call makes a request as the user. What does not come to an answer has the status 0.
func (s *shop) call(method, path string, body any) answer {
	payload, err := json.Marshal(body)
	if err != nil {
		return answer{body: []byte(err.Error())}
	}
	req, err := http.NewRequest(method, s.base+path, bytes.NewReader(payload))
	if err != nil {
		return answer{body: []byte(err.Error())}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", s.token)
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{body: []byte(err.Error())}
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{body: []byte(err.Error())}
	}
	return answer{resp.StatusCode, b}
}

// order is the body of an order.
type order struct {
	ID      string  `json:"id,omitempty"`
	Product string  `json:"product"`
	Qty     float64 `json:"qty"`
}

func (s *shop) order(o order) answer { return s.call("POST", "/api/collections/orders/records", o) }

func (s *shop) basket(items ...order) answer { return s.call("POST", "/shop/basket", items) }

// batch orders all of the items in one batch request.
func (s *shop) batch(items ...order) answer {
	requests := make([]map[string]any, len(items))
	for i, o := range items {
		requests[i] = map[string]any{"method": "POST", "url": "/api/collections/orders/records", "body": o}
	}
	return s.call("POST", "/api/batch", map[string]any{"requests": requests})
}

// product puts a new product into the shop.
func (s *shop) product(t testing.TB, name string, stock int) string {
	t.Helper()
	r, err := s.app.NewRecord("products")
	if err != nil {
		t.Fatal(err)
	}
	r.Set("name", name)
	r.Set("stock", stock)
	if err := s.app.Save(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return r.ID()
}

// stock is how much of a product is left.
func (s *shop) stock(t testing.TB, product string) float64 {
	t.Helper()
	r, err := s.app.FindRecordByID(context.Background(), "products", product)
	if err != nil {
		t.Fatal(err)
	}
	return r.Number("stock")
}

// ordered are the orders of a product.
func (s *shop) ordered(t testing.TB, product string) []*troupe.Record {
	t.Helper()
	list, err := s.app.FindRecords(context.Background(), "orders", troupe.Find{Filter: "product = {:p}", Params: map[string]any{"p": product}})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// together runs n requests at once and counts how often each status was answered. What belongs to a status that is not wanted is
// reported.
func together(t testing.TB, n int, one func(i int) answer) (count map[int]int, answers []answer) {
	t.Helper()
	answers = make([]answer, n)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			<-begin
			answers[i] = one(i)
		})
	}
	close(begin)
	wg.Wait()
	count = make(map[int]int)
	for _, a := range answers {
		count[a.status]++
	}
	for _, a := range answers {
		if a.status == 0 || a.status >= 500 {
			t.Errorf("answered %d: %s", a.status, a.body)
			break
		}
	}
	return count, answers
}

// left is the message of the refusal when so many are left.
func left(n int) string { return fmt.Sprintf("Only %d left.", n) }
