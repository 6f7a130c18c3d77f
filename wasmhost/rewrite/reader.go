package rewrite

import "unicode/utf8"

// reader walks over a part of the file. After the first failure it stays at its place, returns zeros and keeps the error, so that callers
// look at err once per element instead of once per byte.
type reader struct {
	b    []byte
	pos  int
	what string // the section or function being read, for the error
	err  error
}

// left is how many bytes remain.
func (r *reader) left() int { return len(r.b) - r.pos }

// fail keeps the first error only: what follows it is a consequence.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) malformed(text string) {
	r.fail(malformed("%s at byte %d of %s", text, r.pos, r.what))
}

func (r *reader) byte() byte {
	if r.err != nil {
		return 0
	}
	if r.pos >= len(r.b) {
		r.malformed("unexpected end")
		return 0
	}
	c := r.b[r.pos]
	r.pos++
	return c
}

// bytes returns the next n bytes as a part of the file, not a copy.
func (r *reader) bytes(n uint32) []byte {
	if r.err != nil {
		return nil
	}
	if uint64(n) > uint64(r.left()) {
		r.malformed("unexpected end")
		return nil
	}
	b := r.b[r.pos : r.pos+int(n) : r.pos+int(n)]
	r.pos += int(n)
	return b
}

// u32 reads an unsigned LEB128 number of at most 32 bits, which may be padded to five bytes as linkers do.
func (r *reader) u32() uint32 {
	if r.err == nil && r.pos < len(r.b) && r.b[r.pos] < 0x80 {
		r.pos++
		return uint32(r.b[r.pos-1])
	}
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		if shift == 28 && c > 0x0f {
			break
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.malformed("a number of more than 32 bits")
	return 0
}

// signed reads a signed LEB128 number of the given width (32, 33 or 64 bits).
func (r *reader) signed(bits int) int64 {
	var v int64
	for shift := 0; shift < bits; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if c >= 0x80 {
			continue
		}
		used := bits - shift
		if used < 7 {
			// In the last byte of the longest form all bits beyond the width must repeat the sign.
			if rest := int8(c<<1) >> used; rest != 0 && rest != -1 {
				break
			}
		}
		if shift+7 < 64 && c&0x40 != 0 {
			v |= -1 << (shift + 7)
		}
		return v
	}
	r.malformed("a number that is too long")
	return 0
}

// count reads the length of a list whose elements take at least size bytes each, so that no list is made that the file cannot fill.
func (r *reader) count(size int) int {
	n := r.u32()
	if r.err == nil && uint64(n)*uint64(size) > uint64(r.left()) {
		r.malformed("a list that is longer than the file")
		return 0
	}
	return int(n)
}

func (r *reader) name() string {
	b := r.bytes(r.u32())
	if !utf8.Valid(b) {
		r.malformed("a name that is not UTF-8")
		return ""
	}
	return string(b)
}

// done reports the error, or that bytes were left over.
func (r *reader) done() error {
	if r.err == nil && r.left() > 0 {
		r.malformed("superfluous bytes")
	}
	return r.err
}
