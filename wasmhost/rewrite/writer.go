package rewrite

import "encoding/binary"

// appendU32 appends v as an unsigned LEB128 number in its shortest form.
func appendU32(dst []byte, v uint32) []byte { return binary.AppendUvarint(dst, uint64(v)) }

// appendConst appends an i32.const instruction.
func appendConst(dst []byte, v int32) []byte {
	return appendSigned(append(dst, opI32Const), v)
}

// appendSigned appends v as a signed LEB128 number in its shortest form.
func appendSigned(dst []byte, v int32) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(dst, c)
		}
		dst = append(dst, c|0x80)
	}
}

// appendOp appends an instruction with one index.
func appendOp(dst []byte, op byte, index uint32) []byte { return appendU32(append(dst, op), index) }

func appendName(dst []byte, s string) []byte { return append(appendU32(dst, uint32(len(s))), s...) }

// appendSection appends a section unless it is empty.
func appendSection(dst []byte, id byte, body []byte) []byte {
	if len(body) == 0 {
		return dst
	}
	dst = appendU32(append(dst, id), uint32(len(body)))
	return append(dst, body...)
}

// appendList appends a section that is a list: the elements of the old one, copied as they are, and n more.
func appendList(dst []byte, id byte, old []byte, n uint32, added []byte) []byte {
	r := &reader{b: old}
	if len(old) > 0 {
		n += r.u32()
	}
	body := appendU32(make([]byte, 0, len(old)+len(added)+5), n)
	body = append(append(body, old[r.pos:]...), added...)
	return appendSection(dst, id, body)
}
