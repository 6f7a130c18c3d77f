// Command goguest is an extension as Go's own compiler makes it: with a runtime, a garbage collector, and WASI.
package main

import (
	"fmt"
	"os"
	"time"
	"unsafe"
)

//go:wasmimport troupe_1 record_text
func recordText(h uint32, name unsafe.Pointer, n uint32, buf unsafe.Pointer, size uint32) int32

//go:wasmimport troupe_1 record_set_text
func recordSetText(h uint32, name unsafe.Pointer, n uint32, text unsafe.Pointer, size uint32) int32

const description = `{"name":"go","hooks":[{"event":"record.create"},{"event":"record.create"},{"event":"record.create"},{"event":"record.create"}]}`

var kept []byte

//go:wasmexport alloc
func alloc(n uint32) uint32 {
	kept = make([]byte, n)
	return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(kept))))
}

func pack(s string) uint64 {
	kept = []byte(s)
	return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(kept))))<<32 | uint64(len(s))
}

//go:wasmexport handle
func handle(op, index, ptr, n uint32) uint64 {
	if op == 0 {
		return pack(description)
	}
	switch index {
	case 0:
		title, slug := []byte("title"), []byte("slug")
		var buf [256]byte
		n := recordText(1, unsafe.Pointer(&title[0]), 5, unsafe.Pointer(&buf[0]), 256)
		if n > 0 {
			recordSetText(1, unsafe.Pointer(&slug[0]), 4, unsafe.Pointer(&buf[0]), uint32(n))
		}
	case 1: // what WASI is for
		fmt.Println("printed by", len(os.Args), len(os.Environ()))
		_, err := os.ReadFile("/etc/passwd")
		begun := time.Now()
		time.Sleep(10 * time.Millisecond)
		return pack(fmt.Sprint(err != nil, time.Since(begun) >= 10*time.Millisecond, begun.Year() > 2020))
	case 2:
		for {
		}
	case 3:
		panic("no")
	}
	return 0
}

func main() {}
