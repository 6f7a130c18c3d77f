//go:build wasip1

package troupe

// Level is how much a line of the log matters.
type Level int32

// The levels of the log.
const (
	Debug   Level = -4
	Info    Level = 0
	Warning Level = 4
	Severe  Level = 8
)

// maxLogLine is the longest line that the host takes.
const maxLogLine = 8 << 10

// Log writes a line to the server's log. A longer one than 8 KiB is cut.
func Log(level Level, line string) {
	hostLog(int32(level), cut(line, maxLogLine))
}

// cut shortens a text to at most size bytes, between characters.
func cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	for size > 0 && s[size]&0xC0 == 0x80 {
		size--
	}
	return s[:size]
}

// Now is the time in milliseconds since 1970, UTC.
func Now() int64 { return hostNow() }

// Random fills b with cryptographic randomness.
func Random(b []byte) error {
	p, size := bytesPointer(b)
	if n := hostRandom(p, size); n < 0 {
		return hostError("random", "", n)
	}
	return nil
}
