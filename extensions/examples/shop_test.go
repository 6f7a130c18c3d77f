package examples

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe"
)

// shops are the languages that have the example shop, with the suffix of their names.
var shops = map[string]string{"go": "go", "c": "c", "assemblyscript": "as", "rust": "rust", "zig": "zig"}

// committedShop is the module that lies beside the source.
func committedShop(t testing.TB, language string) []byte {
	t.Helper()
	wasm, err := os.ReadFile(filepath.Join(language, "shop", "shop.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

// TestShop holds the shop of each language against what is promised to whoever writes a hook that finds, checks and updates: that as many
// orders at once as there may be sell what is there, and that what is refused has changed nothing.
func TestShop(t *testing.T) {
	for language := range shops {
		t.Run(language, func(t *testing.T) { checkShop(t, openShop(t, committedShop(t, language), troupe.ExtensionLimits{})) })
	}
}

func checkShop(t *testing.T, s *shop) {
	t.Run("many orders", func(t *testing.T) { s.manyOrders(t) })
	t.Run("refused orders", func(t *testing.T) { s.refusedOrders(t) })
	t.Run("baskets", func(t *testing.T) { s.baskets(t) })
	t.Run("batches", func(t *testing.T) { s.batches(t) })
	t.Run("top", func(t *testing.T) { s.top(t) })
	t.Run("late audit", func(t *testing.T) { s.lateAudit(t) })
	if said := s.log.take(); strings.Contains(said, "level=ERROR") || strings.Contains(said, "level=WARN") {
		t.Errorf("the log has\n%s", said)
	}
}

// manyOrders is the acceptance test: 50 orders at once for a stock of 10.
func (s *shop) manyOrders(t *testing.T) {
	const callers, stock = 50, 10
	product := s.product(t, "tea", stock)
	count, answers := together(t, callers, func(int) answer { return s.order(order{Product: product, Qty: 1}) })
	if count[200] != stock || count[400] != callers-stock {
		t.Errorf("answered %v, want 200 for %d and 400 for %d", count, stock, callers-stock)
	}
	for _, a := range answers {
		if a.status == 400 && (a.at("data", "qty", "code") != "validation_out_of_stock" || a.at("data", "qty", "message") != left(0)) {
			t.Errorf("refused with %s", a.body)
			break
		}
	}
	if n := s.stock(t, product); n != 0 {
		t.Errorf("%v are left, want none", n)
	}
	s.audited(t, product, stock)
}

// audited waits for the rows of the audit about a product's orders, and looks whether there is one for each.
func (s *shop) audited(t *testing.T, product string, want int) {
	t.Helper()
	orders := s.ordered(t, product)
	if len(orders) != want {
		t.Errorf("%d orders are stored, want %d", len(orders), want)
	}
	deadline := time.Now().Add(30 * time.Second)
	for _, o := range orders {
		for {
			rows, err := s.app.FindRecords(context.Background(), "audit", troupe.Find{Filter: "rec = {:o}", Params: map[string]any{"o": o.ID()}})
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) == 1 && rows[0].Text("what") == "create orders" && rows[0].Text("by") == s.user {
				break
			}
			if len(rows) > 0 || time.Now().After(deadline) {
				t.Fatalf("the audit of an order has %d rows; log:\n%s", len(rows), s.log.take())
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// refusedOrders: what is refused after the hook has taken the goods gives them back.
func (s *shop) refusedOrders(t *testing.T) {
	product := s.product(t, "coffee", 10)
	first := s.order(order{Product: product, Qty: 3})
	if first.status != 200 {
		t.Fatalf("%d: %s", first.status, first.body)
	}
	for _, c := range []struct {
		name    string
		order   order
		field   string
		code    string
		message string
	}{
		{"less than the collection allows", order{Product: product, Qty: -2}, "qty", "validation_min_number_constraint", ""},
		{"half a one", order{Product: product, Qty: 0.5}, "qty", "validation_only_int_constraint", ""},
		{"an id that is taken", order{ID: first.at("id"), Product: product, Qty: 1}, "id", "validation_not_unique", ""},
		{"more than there are", order{Product: product, Qty: 8}, "qty", "validation_out_of_stock", left(7)},
		{"of a product that is not there", order{Product: "nothing", Qty: 1}, "product", "validation_missing", "There is no such product."},
	} {
		t.Run(c.name, func(t *testing.T) {
			count, answers := together(t, 4, func(int) answer { return s.order(c.order) })
			a := answers[0]
			if count[400] != 4 || a.at("data", c.field, "code") != c.code || c.message != "" && a.at("data", c.field, "message") != c.message {
				t.Errorf("answered %v: %s", count, a.body)
			}
			if n := s.stock(t, product); n != 7 {
				t.Errorf("%v are left, want 7", n)
			}
		})
	}
	s.audited(t, product, 1)
}

// baskets: as many as there is stock of everything in them are placed, and the others leave nothing.
func (s *shop) baskets(t *testing.T) {
	const callers, whole = 24, 5
	cups, pots := s.product(t, "cup", 3*whole+2), s.product(t, "pot", whole)
	count, answers := together(t, callers, func(i int) answer {
		items := []order{{Product: cups, Qty: 2}, {Product: pots, Qty: 1}, {Product: cups, Qty: 1}}
		if i%2 == 1 {
			slices.Reverse(items)
		}
		return s.basket(items...)
	})
	if count[200] != whole || count[400] != callers-whole {
		t.Errorf("answered %v, want 200 for %d and 400 for %d", count, whole, callers-whole)
	}
	for _, a := range answers {
		if a.status == 400 && a.at("data", "qty", "code") != "validation_out_of_stock" {
			t.Errorf("refused with %s", a.body)
			break
		}
	}
	if c, p := s.stock(t, cups), s.stock(t, pots); c != 2 || p != 0 {
		t.Errorf("%v cups and %v pots are left, want 2 and 0", c, p)
	}
	s.audited(t, cups, 2*whole)
	s.audited(t, pots, whole)
	for _, body := range []any{[]order{}, "x", map[string]any{}, []int{1, 2}, slices.Repeat([]order{{Product: cups, Qty: 1}}, 51)} {
		if a := s.call("POST", "/shop/basket", body); a.status != 400 {
			t.Errorf("a basket that is none is answered with %d: %s", a.status, a.body)
		}
	}
	if c := s.stock(t, cups); c != 2 {
		t.Errorf("%v cups are left after baskets that were none, want 2", c)
	}
}

// batches: orders in the server's own transaction come whole or not at all, beside single orders.
func (s *shop) batches(t *testing.T) {
	const callers, stock = 24, 10
	cups, pots := s.product(t, "mug", stock), s.product(t, "jug", 100)
	count, answers := together(t, callers, func(i int) answer {
		if i%2 == 0 {
			return s.order(order{Product: cups, Qty: 1})
		}
		return s.batch(order{Product: pots, Qty: 1}, order{Product: cups, Qty: 1}, order{Product: cups, Qty: 1})
	})
	single, batches := 0, 0
	for i, a := range answers {
		if a.status == 200 && i%2 == 0 {
			single++
		} else if a.status == 200 {
			batches++
		}
	}
	// A batch of two does not fit where one is left; a single order always does, so all is sold in the end.
	if single+2*batches > stock || count[200]+count[400] != callers {
		t.Errorf("answered %v: %d single orders and %d batches of two, of %d", count, single, batches, stock)
	}
	if c, p := s.stock(t, cups), s.stock(t, pots); int(c) != stock-single-2*batches || int(p) != 100-batches {
		t.Errorf("%v mugs and %v jugs are left after %d single orders and %d batches", c, p, single, batches)
	}
	if a := s.batch(order{Product: pots, Qty: 1}, order{Product: cups, Qty: 100}); a.status != 400 || !strings.Contains(string(a.body), "validation_out_of_stock") {
		t.Errorf("a batch that cannot be is answered with %d: %s", a.status, a.body)
	}
	s.audited(t, cups, single+2*batches)
	s.audited(t, pots, batches)
}

// lateAudit: an audit that cannot be written when an order is committed is written when it can be.
func (s *shop) lateAudit(t *testing.T) {
	ctx := context.Background()
	product := s.product(t, "sugar", 5)
	if err := s.app.DeleteCollection(ctx, "audit"); err != nil {
		t.Fatal(err)
	}
	if a := s.order(order{Product: product, Qty: 5}); a.status != 200 {
		t.Errorf("%d: %s", a.status, a.body)
	}
	if !strings.Contains(s.log.take(), "level=ERROR") {
		t.Error("nothing is logged about an audit that failed")
	}
	if err := s.app.ImportCollections(ctx, []byte(shopCollections), false); err != nil {
		t.Fatal(err)
	}
	s.audited(t, product, 1)
	s.log.take()
}

// top lists what is sold most.
func (s *shop) top(t *testing.T) {
	a, b := s.product(t, `"x" one`, 9), s.product(t, `"x" two`, 9)
	s.product(t, `"X" three`, 9)
	if got := s.order(order{Product: b, Qty: 4}); got.status != 200 {
		t.Fatalf("%d: %s", got.status, got.body)
	}
	got := s.call("GET", `/shop/%22x%22/top?limit=2`, nil)
	var list struct {
		By    string
		Items [][]any
	}
	if err := json.Unmarshal(got.body, &list); err != nil || got.status != 200 || list.By != s.user {
		t.Fatalf("%d: %s, %v", got.status, got.body, err)
	}
	want := [][]any{{b, `"x" two`, 5.0, 4.0}, {a, `"x" one`, 9.0, 0.0}}
	if !slices.EqualFunc(list.Items, want, slices.Equal[[]any]) {
		t.Errorf("lists %v, want %v", list.Items, want)
	}
	s.token, a = "", s.token
	defer func() { s.token = a }()
	if got := s.call("GET", "/shop/x/top", nil); got.status != 401 {
		t.Errorf("a guest is answered with %d", got.status)
	}
}

// TestShopMemory: what a call of the shop takes is free again for the next one, though an instance lives long.
func TestShopMemory(t *testing.T) {
	for language := range shops {
		t.Run(language, func(t *testing.T) {
			s := openShop(t, committedShop(t, language), troupe.ExtensionLimits{MemoryPages: 256})
			body := []string{strings.Repeat("no order ", 100_000)}
			for range 25 { // 22 MB and more, of which an instance has 16 MiB
				if a := s.call("POST", "/shop/basket", body); a.status != 400 {
					t.Fatalf("%d: %s; log:\n%s", a.status, a.body, s.log.take())
				}
			}
		})
	}
}
