// Programs in Go, built by the tests; see kernels.c.
package main

import (
	"bytes"
	"encoding/json"
	"hash/fnv"
	"sort"
	"strings"
)

func main() {}

func hash(b []byte) uint32 {
	h := fnv.New32a()
	h.Write(b)
	return h.Sum32()
}

//go:wasmexport loops
func loops() uint32 {
	x := uint32(7)
	for range 300000 {
		x ^= x << 13
		x ^= x >> 17
		x ^= x << 5
	}
	return x
}

//go:wasmexport codec
func codec() uint32 {
	type post struct {
		ID    string   `json:"id"`
		Title string   `json:"title"`
		Tags  []string `json:"tags"`
		N     int      `json:"n"`
	}
	var out bytes.Buffer
	for i := range 30 {
		b, _ := json.Marshal(post{"post", strings.Repeat("title ", i), []string{"a", "b"}, i})
		var back post
		if json.Unmarshal(b, &back) != nil {
			return 0
		}
		out.WriteString(back.Title)
		out.Write(b)
	}
	return hash(out.Bytes())
}

//go:wasmexport sorting
func sorting() uint32 {
	x := uint32(9)
	list := make([]int, 5000)
	for i := range list {
		x = x*1664525 + 1013904223
		list[i] = int(x >> 8)
	}
	sort.Ints(list)
	sum := uint32(0)
	for _, v := range list {
		sum = sum*31 + uint32(v)
	}
	return sum
}

//go:wasmexport words
func words() uint32 {
	counts := map[string]int{}
	text := strings.Repeat("the quick brown fox jumps over the lazy dog ", 100)
	for _, w := range strings.Fields(text) {
		counts[strings.ToUpper(w)]++
	}
	keys := make([]string, 0, len(counts))
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return hash([]byte(strings.Join(keys, ",")))
}

//go:wasmexport deep
func deep() uint32 { return uint32(descend(1000)) }

func descend(n int) int {
	if n == 0 {
		return 1
	}
	return descend(n-1)*3 + n
}

//go:wasmexport endless
func endless(step uint32) uint32 {
	x := uint32(0)
	for x != 1<<31 || step != 0 {
		x += step
	}
	return x
}
