package sqlite

import (
	"slices"
	"testing"
)

func TestFairQueue(t *testing.T) {
	fill := func() *fairQueue[string] {
		q := &fairQueue[string]{}
		for _, e := range []string{"a1", "a2", "a3", "b1", "c1", "c2"} {
			q.push(e[:1], e)
		}
		return q
	}
	all := func(q *fairQueue[string], may func(string) bool) (out []string) {
		for {
			e, ok := q.pop(may)
			if !ok {
				return out
			}
			out = append(out, e)
		}
	}
	for name, c := range map[string]struct {
		do   func(q *fairQueue[string])
		may  func(string) bool
		want []string
	}{
		"in turn":        {want: []string{"a1", "b1", "c1", "a2", "c2", "a3"}},
		"one may not":    {may: func(c string) bool { return c != "a" }, want: []string{"b1", "c1", "c2"}},
		"removed":        {do: func(q *fairQueue[string]) { q.remove("a", "a1"); q.remove("b", "b1") }, want: []string{"a2", "c1", "a3", "c2"}},
		"not there":      {do: func(q *fairQueue[string]) { q.remove("b", "a1"); q.remove("d", "d1") }, want: []string{"a1", "b1", "c1", "a2", "c2", "a3"}},
		"newest of most": {do: func(q *fairQueue[string]) { q.removeNewest(2) }, want: []string{"a1", "b1", "c1", "a2", "c2"}},
		"nobody has so many": {do: func(q *fairQueue[string]) {
			if e, ok := q.removeNewest(3); ok {
				t.Error(e)
			}
		}, want: []string{"a1", "b1", "c1", "a2", "c2", "a3"}},
		"all of some": {do: func(q *fairQueue[string]) { q.removeAll(func(e string) bool { return e[1] == '1' }) }, want: []string{"a2", "c2", "a3"}},
		"comes later": {do: func(q *fairQueue[string]) { q.pop(anyClient); q.push("d", "d1"); q.push("b", "b2") }, want: []string{"b1", "c1", "a2", "d1", "b2", "c2", "a3"}},
	} {
		q := fill()
		if c.do != nil {
			c.do(q)
		}
		may := anyClient
		if c.may != nil {
			may = c.may
		}
		if got := all(q, may); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		left := q.n
		if may("a") && (left != 0 || len(q.ready) != 0 || len(q.byClient) != 0) {
			t.Errorf("%s: something is left: %d, %d lines", name, left, len(q.byClient))
		}
	}
}
