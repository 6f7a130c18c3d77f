package files

import (
	"errors"
	"syscall"
)

// windowsDiskFull is ERROR_DISK_FULL, which has no name in package syscall.
const windowsDiskFull = syscall.Errno(112)

// IsFull tells whether err says that a file could not be written for want of room: on the disk, or in somebody's quota.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || onWindows && errors.Is(err, windowsDiskFull)
}
