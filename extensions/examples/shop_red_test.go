package examples

import (
	"bytes"
	"testing"

	"github.com/troupebase/troupe"
)

// apart is a shop whose hook does not ask for one transaction with the write. Its description is a text in the module, so that it can
// be written anew in the same place.
func apart(t testing.TB, language string) []byte {
	t.Helper()
	asks, not := []byte(`"atomic": true`), []byte(`"atomic":false`)
	wasm := committedShop(t, language)
	if bytes.Count(wasm, asks) != 1 {
		t.Fatalf("the shop in %s does not say once that a hook is atomic", language)
	}
	return bytes.Replace(wasm, asks, not, 1)
}

// maxOversold is how many rounds of orders are run at most until more is sold than there is.
const maxOversold = 50

// TestShopApart shows that the tests of the shop see what they are for: the same module without a transaction around its hook loses goods
// with each order that is refused afterwards, and sells more than there is when many order at once.
func TestShopApart(t *testing.T) {
	for _, language := range []string{"rust", "zig"} {
		t.Run(language, func(t *testing.T) {
			s := openShop(t, apart(t, language), troupe.ExtensionLimits{})
			product := s.product(t, "tea", 10)
			if a := s.order(order{Product: product, Qty: -2}); a.status != 400 || s.stock(t, product) != 12 {
				t.Errorf("an order that is refused after its hook is answered with %d, and %v are there; want 12 of 10", a.status, s.stock(t, product))
			}
			for range maxOversold {
				product := s.product(t, "tea", 10)
				count, _ := together(t, 50, func(int) answer { return s.order(order{Product: product, Qty: 1}) })
				if count[200] > 10 {
					return
				}
			}
			t.Errorf("no more was sold than there was, %d times", maxOversold)
		})
	}
}
