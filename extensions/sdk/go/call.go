//go:build wasip1

package troupe

import "unsafe"

// maxBuffer is how large the buffer for answers of the host may stay between calls.
const maxBuffer = 64 << 10

var (
	// buffer receives what the host fills in; it grows to the largest value seen, up to maxBuffer between calls.
	buffer = make([]byte, 1024)
	// failed is the first failure of a getter or setter in this call: it has no other way out.
	failed *Error
)

// hostError makes an error of a negative result, with the host's message.
func hostError(op, object string, result int32) *Error {
	return &Error{Errno: Errno(result), Op: op, Object: object, Status: int(hostErrorStatus()), Message: lastMessage()}
}

// lastMessage is what the host says of the call that failed last.
func lastMessage() string {
	size := hostErrorMessage(unsafe.Pointer(&buffer[0]), uint32(len(buffer)))
	if grow(size) {
		size = hostErrorMessage(unsafe.Pointer(&buffer[0]), uint32(len(buffer)))
	}
	if size <= 0 || int(size) > len(buffer) {
		return ""
	}
	return string(buffer[:size])
}

// keep notes a failure that its function cannot return.
func keep(op, object string, result int32) {
	if failed == nil {
		failed = hostError(op, object, result)
	}
}

// grow makes the buffer hold size bytes and reports whether it was too small for them.
func grow(size int32) bool {
	if size < 0 || int(size) <= len(buffer) {
		return false
	}
	buffer = make([]byte, max(int(size), 2*len(buffer)))
	return true
}

// bytesPointer is where the bytes are: nil for none.
func bytesPointer(b []byte) (unsafe.Pointer, uint32) {
	return unsafe.Pointer(unsafe.SliceData(b)), uint32(len(b))
}

// room is where the host may write: all of the buffer.
func room() (unsafe.Pointer, uint32) { return unsafe.Pointer(&buffer[0]), uint32(len(buffer)) }
