//go:build unix

package httpx

import (
	"math"

	"golang.org/x/sys/unix"
)

// fewDescriptors is assumed where the system does not say: what most allow at least.
const fewDescriptors = 256

// descriptors returns how many files the process may have open, after it has raised that as far as it may by itself.
func descriptors() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return fewDescriptors
	}
	if limit.Cur < limit.Max {
		// Some systems allow less than they say; then it stays as it was.
		if raised := (unix.Rlimit{Cur: limit.Max, Max: limit.Max}); unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil {
			limit = raised
		}
	}
	return int(min(uint64(limit.Cur), math.MaxInt32))
}
