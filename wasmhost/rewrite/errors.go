package rewrite

import (
	"errors"
	"fmt"
)

var (
	// ErrNotWasm means that the bytes do not begin as a WebAssembly file does.
	ErrNotWasm = errors.New("not a WebAssembly module")
	// ErrMalformed means that the file begins as a module and then breaks the binary format: it is cut off or damaged.
	ErrMalformed = errors.New("malformed module")
	// ErrUnsupported means that the module is well-formed as far as it was read and uses something that guests may not use. The
	// text says what.
	ErrUnsupported = errors.New("unsupported module")
	// ErrContract means that the module can run and does not export what the ABI asks for. The text says what is missing.
	ErrContract = errors.New("not an extension")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: it %s", ErrUnsupported, fmt.Sprintf(format, args...))
}
