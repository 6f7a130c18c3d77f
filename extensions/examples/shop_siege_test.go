package examples

import (
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupebase/troupe"
)

// siegeRounds is how often the shop of each language is besieged: 20 times in the long form.
func siegeRounds(t *testing.T) int {
	t.Helper()
	switch os.Getenv("TROUPE_SIEGE") {
	case "":
		t.Skip("TROUPE_SIEGE is not set")
	case "long":
		return 20
	}
	return 2
}

// TestSiegeShop places many orders at once, again and again, on a quiet server and on one that others read and write as fast as they can.
func TestSiegeShop(t *testing.T) {
	rounds := siegeRounds(t)
	for language := range shops {
		t.Run(language, func(t *testing.T) {
			s := openShop(t, committedShop(t, language), troupe.ExtensionLimits{})
			t.Run("quiet", func(t *testing.T) { s.siege(t, rounds) })
			t.Run("loaded", func(t *testing.T) {
				end := s.load(t)
				s.siege(t, rounds)
				end()
			})
		})
	}
}

func (s *shop) siege(t *testing.T, rounds int) {
	for round := range rounds {
		if s.manyOrders(t); t.Failed() {
			t.Fatalf("in round %d; log:\n%s", round, s.log.take())
		}
		s.refusedOrders(t)
		s.baskets(t)
		if s.batches(t); t.Failed() {
			t.Fatalf("in round %d; log:\n%s", round, s.log.take())
		}
	}
}

const (
	// loadWriters and loadReaders are how many others there are, each with one request under way at all times.
	loadWriters = 8
	loadReaders = 8
)

// load writes to another collection and reads the products until end is called. None of it may fail.
func (s *shop) load(t *testing.T) (end func()) {
	t.Helper()
	var over atomic.Bool
	var served atomic.Int64
	var wg sync.WaitGroup
	for i := range loadWriters + loadReaders {
		wg.Go(func() {
			for !over.Load() {
				method, path := http.MethodGet, "/api/collections/products/records?filter=stock%3E0&sort=-name"
				if i < loadWriters {
					method, path = http.MethodPost, "/api/collections/visits/records"
				}
				if a := s.call(method, path, map[string]any{"n": i}); a.status != 200 {
					t.Errorf("%s %s of others is answered with %d: %s", method, path, a.status, a.body)
					return
				}
				served.Add(1)
			}
		})
	}
	return func() {
		over.Store(true)
		wg.Wait()
		t.Logf("others were served %d times meanwhile", served.Load())
	}
}
