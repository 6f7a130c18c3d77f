//go:build unix

package httpx

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fewestDescriptors is less than any system allows.
const fewestDescriptors = 64

// checkRaised fails when the process may open fewer files than it could.
func checkRaised() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if limit.Cur < limit.Max && limit.Max < 1<<20 {
		return fmt.Errorf("%d of %d", limit.Cur, limit.Max)
	}
	return nil
}
