package troupe

// maxBuffers is how many buffers are kept for the writers of the next call; most handlers use two or three.
const maxBuffers = 16

// buffers begin the writers of a call: most handlers make the same ones every time, and the collector has nothing to do.
// A writer that outgrows its buffer leaves it behind.
var (
	buffers     [maxBuffers][]byte
	buffersUsed int
)

// takeBuffer begins a writer with its opening bracket.
func takeBuffer(open byte) []byte {
	if buffersUsed == maxBuffers {
		return append(make([]byte, 0, 64), open)
	}
	if buffers[buffersUsed] == nil {
		buffers[buffersUsed] = make([]byte, 0, 512)
	}
	b := append(buffers[buffersUsed][:0], open)
	buffersUsed++
	return b
}

// reuseBuffers begins a new call: writers of the one before are not used any more.
func reuseBuffers() { buffersUsed = 0 }
