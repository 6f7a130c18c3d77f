//go:build wasip1

// Command bench is an extension that only computes: what its loops cost shows what interruption checks cost.
package main

import (
	"strconv"

	troupe "github.com/troupebase/troupe/extensions/sdk/go"
)

// size is how many numbers the sieve holds.
const size = 64 << 10

var sieve [size]byte

func init() {
	troupe.Name("bench-go", "1.0.0")
	troupe.GET("/spin/{n}", func(r *troupe.Request) error {
		rounds, err := strconv.ParseUint(r.Param("n"), 10, 31)
		if err != nil {
			return troupe.Reject(400, "n must be a number.")
		}
		return r.JSON(200, troupe.Object().Int("rounds", int64(rounds)).Int("hash", int64(spin(uint32(rounds)))))
	})
}

// spin hashes a sieve of Eratosthenes again and again.
func spin(rounds uint32) uint32 {
	hash := uint32(2166136261)
	for ; rounds > 0; rounds-- {
		for i := range sieve {
			sieve[i] = 1
		}
		for i := 2; i*i < size; i++ {
			if sieve[i] == 0 {
				continue
			}
			for n := i * i; n < size; n += i {
				sieve[n] = 0
			}
		}
		for _, b := range sieve {
			hash = (hash ^ uint32(b)) * 16777619
		}
	}
	return hash
}

func main() {}
