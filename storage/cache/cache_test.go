package cache_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/cache"
)

// TestLaw13_AFloodLeavesWhatIsInUse puts ten thousand texts in that nobody asks for again, beside a few that are.
func TestLaw13_AFloodLeavesWhatIsInUse(t *testing.T) {
	const limit = 100_000
	c := cache.New[int](limit, nil)
	for i := range 10 {
		c.Put(fmt.Sprint("used ", i), i, 100)
	}
	for i := range 10_000 {
		c.Put(fmt.Sprint("once ", i), i, 500)
		if got, ok := c.GetBytes([]byte(fmt.Sprint("used ", i%10))); !ok || got != i%10 {
			t.Fatalf("after %d others: %d, %v", i, got, ok)
		}
		if _, bytes := c.Size(); bytes > limit {
			t.Fatalf("%d bytes are kept", bytes)
		}
	}
	if n, bytes := c.Size(); n < 100 || bytes < limit/2 {
		t.Errorf("only %d entries of %d bytes are kept", n, bytes)
	}
}

func TestCache_LargeKeysCount(t *testing.T) {
	c := cache.New[int](100_000, nil)
	for i := range 100 {
		c.Put(fmt.Sprint(i, strings.Repeat("x", 5000)), i, 0)
	}
	if n, bytes := c.Size(); n > 20 || bytes > 100_000 {
		t.Errorf("%d entries of %d bytes", n, bytes)
	}
	c.Put("large", 1, 20_000)
	if _, ok := c.Get("large"); ok {
		t.Error("an entry takes a fifth of the cache")
	}
}

func TestCache_Share(t *testing.T) {
	share := budget.New(10_000).Share("filters", 100, 100)
	a, b := cache.New[int](1<<20, share), cache.New[int](1<<20, share)
	for i := range 100 {
		a.Put(fmt.Sprint(i), i, 500)
	}
	if u := share.Usage(); u.Used > u.Limit || u.Used < u.Limit/2 {
		t.Errorf("%d of %d bytes are taken", u.Used, u.Limit)
	}
	b.Put("b", 1, 5000) // there is no room for it, and nothing of its own to drop
	if _, ok := b.Get("b"); ok {
		t.Error("the share was exceeded")
	}
	a.Close()
	b.Put("b", 1, 500)
	a.Put("late", 1, 500)
	if _, ok := b.Get("b"); !ok {
		t.Error("what was closed keeps its bytes")
	}
	if n, _ := a.Size(); n != 0 {
		t.Error("a closed cache keeps something")
	}
	b.Delete("b", func(v int) bool { return v == 1 })
	if _, ok := b.Get("b"); !ok {
		t.Error("deleted although it was to stay")
	}
	b.Put("b", 2, 100)
	b.Delete("b", func(v int) bool { return v == 1 })
	if u := share.Usage(); u.Used != 0 {
		t.Errorf("%d bytes were not given back", u.Used)
	}
}

func TestCache_ManyAtOnce(t *testing.T) {
	c := cache.New[string](50_000, budget.New(20_000).Share("filters", 100, 100))
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 2000 {
				key := fmt.Sprint(i * g % 97)
				if v, ok := c.Get(key); ok && v != key {
					t.Errorf("%q under %q", v, key)
				}
				c.Put(key, key, 200)
				if i%100 == 0 {
					c.Delete(key, func(string) bool { return false })
				}
			}
		})
	}
	wg.Wait()
}
