package filter

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// heap returns the bytes that live on the heap.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestCostsAreHonest compares what expressions and queries are said to take with what they take.
func TestCostsAreHonest(t *testing.T) {
	for name, term := range map[string]string{
		"numbers":  "n!=%d",
		"texts":    "title ~ 'some text %d'",
		"groups":   "(n=%d)",
		"requests": "@request.query.q%d = title",
		"macros":   "title > @now && n = %d",
	} {
		const many = 200
		texts := make([]string, many)
		for i := range texts {
			terms := make([]string, 100)
			for k := range terms {
				terms[k] = fmt.Sprintf(term, i*100+k)
			}
			texts[i] = strings.Join(terms, " || ")
		}
		kept := make([]*Expr, many)
		before := heap()
		said := int64(0)
		for i, text := range texts {
			e, err := Parse(text)
			if err != nil {
				t.Fatal(name, err)
			}
			kept[i] = e
			said += e.bytes() - int64(len(text)) // the text is counted before
		}
		took := heap() - before
		runtime.KeepAlive(kept)
		runtime.KeepAlive(texts)
		if said < took*4/5 || said > took*3 {
			t.Errorf("%s: said to take %d bytes, took %d", name, said, took)
		}
	}
}
