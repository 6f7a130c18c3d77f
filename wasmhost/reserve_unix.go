//go:build unix

package wasmhost

import "syscall"

// reserve returns size bytes of zeros that take no room until they are touched, nil if the system has none.
func reserve(size uint64) []byte {
	if size == 0 {
		return nil
	}
	space, err := syscall.Mmap(-1, 0, int(size), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return space
}

// release gives back what reserve gave.
func release(space []byte) {
	_ = syscall.Munmap(space) // it cannot fail for a whole mapping
}
