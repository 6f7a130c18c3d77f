package wasmhost

import "fmt"

// Deed is what a module does when it is called, besides answering op 0 with its description.
type Deed []byte

// What modules of the tests do. Each is WebAssembly.
var (
	Nothing = Deed{}
	Traps   = Deed{0x00}
	Loops   = Deed{0x03, 0x40, 0x0c, 0x00, 0x0b}
	// Refuses calls reject with 409 and no message.
	Refuses = Deed{0x41, 0x99, 0x03, 0x41, 0x00, 0x41, 0x00, 0x10, 0x00, 0x1a}
)

// Acting assembles a module that answers op 0 with the given description, does the deed for every other op, and has room for
// padding bytes that make it as large as wanted.
func Acting(description string, deed Deed, padding int) []byte {
	const at = 16
	section := func(id byte, body ...byte) []byte {
		return append(append([]byte{id}, uleb(uint64(len(body)))...), body...)
	}
	text := func(s string) []byte { return append(uleb(uint64(len(s))), s...) }
	packed := uint64(at)<<32 | uint64(len(description))
	// if op is 0 return the description
	handle := append([]byte{0, 0x20, 0x00, 0x45, 0x04, 0x40, 0x42}, sleb(int64(packed))...)
	handle = append(handle, 0x0f, 0x0b)
	handle = append(append(handle, deed...), 0x42, 0x00, 0x0b)
	alloc := append(append([]byte{0, 0x41}, sleb(at+1<<17)...), 0x0b)
	code := append([]byte{2}, uleb(uint64(len(alloc)))...)
	code = append(append(code, alloc...), uleb(uint64(len(handle)))...)
	code = append(code, handle...)
	data := append([]byte{1, 0, 0x41, at, 0x0b}, uleb(uint64(len(description)))...)
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = append(out, section(1, 3, 0x60, 1, 0x7f, 1, 0x7f, 0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7e, 0x60, 3, 0x7f, 0x7f, 0x7f, 1, 0x7f)...)
	imports := append([]byte{1}, text("troupe_1")...)
	out = append(out, section(2, append(append(imports, text("reject")...), 0, 2)...)...)
	out = append(out, section(3, 2, 0, 1)...)
	out = append(out, section(5, 1, 0, 4)...)
	exports := append([]byte{3}, append(text("memory"), 2, 0)...)
	exports = append(exports, append(text("alloc"), 0, 1)...)
	exports = append(exports, append(text("handle"), 0, 2)...)
	out = append(out, section(7, exports...)...)
	out = append(out, section(10, code...)...)
	out = append(out, section(11, append(data, description...)...)...)
	if padding > 0 {
		out = append(out, section(0, append(text("padding"), make([]byte, padding)...)...)...)
	}
	return out
}

// Hooked is a module with a hook for an event, and a route that names it, that does the deed when it is called.
func Hooked(name, event string, deed Deed) []byte {
	return Acting(fmt.Sprintf(`{"name":%q,"version":"1","hooks":[{"event":%q}],"routes":[{"method":"GET","path":"/%s"}]}`, name, event, name), deed, 0)
}
