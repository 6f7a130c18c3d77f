package rewrite

// file makes a module of sections.
func file(sections ...[]byte) []byte {
	bin := []byte("\x00asm\x01\x00\x00\x00")
	for _, s := range sections {
		bin = append(bin, s...)
	}
	return bin
}

// section makes a section; its size is filled in.
func section(id byte, content ...byte) []byte { return appendSection(nil, id, content) }

// function1 makes a module of one function of type ()->() without locals, with a memory.
func function1(code ...byte) []byte {
	body := append([]byte{0}, code...)
	return file(
		section(secType, 1, 0x60, 0, 0), section(secFunction, 1, 0), section(secMemory, 1, 0, 1),
		section(secCode, append(appendU32([]byte{1}, uint32(len(body))), body...)...))
}
