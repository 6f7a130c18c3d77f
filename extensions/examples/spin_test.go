package examples

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"strconv"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

// All languages compute the same, or their times say nothing about one another.
func TestSpin(t *testing.T) {
	for language := range languages {
		t.Run(language, func(t *testing.T) {
			x, _ := load(t, committed(t, language, "bench"), newStore())
			for _, n := range []int{0, 1, 3} {
				answer, err := x.Serve(context.Background(), 0, spin(strconv.Itoa(n)))
				if want := fmt.Sprintf(`{"rounds":%d,"hash":%d}`, n, native(n)); err != nil || string(answer.Body) != want {
					t.Errorf("%d rounds: %+v, %v, want %s", n, answer, err, want)
				}
			}
			for _, n := range []string{"x", "-1", "99999999999"} {
				_, err := x.Serve(context.Background(), 0, spin(n))
				if no := refused(t, err); no == nil || no.Status != 400 {
					t.Errorf("n = %q: %+v", n, no)
				}
			}
		})
	}
}

// native is what the guests compute.
func native(rounds int) uint32 {
	hash := fnv.New32a()
	sum := hash.Sum32()
	for range rounds {
		sieve := bytes.Repeat([]byte{1}, 64<<10)
		for i := 2; i*i < len(sieve); i++ {
			for n := i * i; n < len(sieve) && sieve[i] == 1; n += i {
				sieve[n] = 0
			}
		}
		hash.Write(sieve)
		sum = hash.Sum32()
	}
	return sum
}

func spin(n string) *wasmhost.Call {
	return &wasmhost.Call{Request: &request{parts: map[string]string{"param n": n}}}
}

func BenchmarkSpin(b *testing.B) {
	for language := range languages {
		b.Run(language, func(b *testing.B) {
			x, _ := load(b, committed(b, language, "bench"), newStore())
			call := spin("100")
			for b.Loop() {
				if _, err := x.Serve(context.Background(), 0, call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHook(b *testing.B) {
	for language := range languages {
		b.Run(language, func(b *testing.B) {
			x, _ := load(b, committed(b, language, "slugs"), newStore())
			call := &wasmhost.Call{Record: note("title", "The quick brown fox jumps over the lazy dog")}
			for b.Loop() {
				if _, err := x.Before(context.Background(), 0, call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHello(b *testing.B) {
	for language := range languages {
		b.Run(language, func(b *testing.B) {
			x, _ := load(b, committed(b, language, "slugs"), newStore())
			call := &wasmhost.Call{Request: &request{parts: map[string]string{"param name": "Ann"}}}
			for b.Loop() {
				if _, err := x.Serve(context.Background(), 0, call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
