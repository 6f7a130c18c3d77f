package realtime

import (
	"strconv"
	"sync/atomic"
)

// clientIDLength is the length of every client id, so that messages for many clients have one length.
const clientIDLength = 40

// message is one piece of a stream: an event, encoded once for all clients that get it, or raw bytes. What it says does not change
// once it is ready.
//
// An event is a chunk of HTTP's chunked encoding, or the same bytes without the chunk around them for those who do not know it. Only the
// id of the client differs between streams; it stands between head and tail.
type message struct {
	size []byte // the head of the chunk
	tail []byte // from behind the id to in front of the data
	data []byte // perhaps shared with other messages
	// raw tells that there is no event: size are the bytes for those who know chunks, data those for the others.
	raw bool

	// slot tells that the message took its place in outboxes before it was worked out.
	slot  bool
	state atomic.Int32
	// refs counts the outboxes that hold it; its bytes are given back with the last of them.
	refs    atomic.Int32
	budget  *messageBudget // nil for those that are always there
	charged int64
}

// The states of a message.
const (
	ready   int32 = iota
	pending       // it is still worked out; what comes after it waits
	void          // it is nobody's
)

const (
	idField = "id:"
	ending  = "\n\n"
	newLine = "\r\n"
)

// newMessage encodes an event. data is one line of JSON and belongs to the message.
func newMessage(event string, data []byte) *message {
	m := new(message)
	m.encode(event, data)
	return m
}

func (m *message) encode(event string, data []byte) {
	const name, body = "\nevent:", "\ndata:"
	length := len(idField) + clientIDLength + len(name) + len(event) + len(body) + len(data) + len(ending)
	buf := make([]byte, 0, 12+len(name)+len(event)+len(body))
	buf = strconv.AppendInt(buf, int64(length), 16)
	buf = append(buf, newLine...)
	n := len(buf)
	buf = append(append(append(buf, name...), event...), body...)
	m.size, m.tail, m.data = buf[:n:n], buf[n:], data
}

// The pieces of a stream that are no events: a comment, which keeps proxies awake, and the end of the answer.
var (
	commentMessage = &message{raw: true, size: []byte("3\r\n:\n\n\r\n"), data: []byte(":\n\n")}
	endMessage     = &message{raw: true, size: []byte("0\r\n\r\n")}
)

// pieces are the bytes of the message for a client, in order.
func (m *message) pieces(c *client) [6]string {
	switch {
	case m.raw && c.plain:
		return [6]string{view(m.data)}
	case m.raw:
		return [6]string{view(m.size)}
	case c.plain:
		return [6]string{"", idField, c.id, view(m.tail), view(m.data), ending}
	}
	return [6]string{view(m.size), idField, c.id, view(m.tail), view(m.data), ending + newLine}
}

// length is how many bytes the message has for a client.
func (m *message) length(c *client) int {
	switch {
	case m.raw && c.plain:
		return len(m.data)
	case m.raw:
		return len(m.size)
	case c.plain:
		return len(idField) + len(c.id) + len(m.tail) + len(m.data) + len(ending)
	}
	return len(m.size) + len(idField) + len(c.id) + len(m.tail) + len(m.data) + len(ending) + len(newLine)
}

// appendTo appends the bytes for a client from an offset on, as many as fit.
func (m *message) appendTo(dst []byte, c *client, offset int) []byte {
	for _, piece := range m.pieces(c) {
		if offset >= len(piece) {
			offset -= len(piece)
			continue
		}
		piece, offset = piece[offset:], 0
		free := cap(dst) - len(dst)
		if free < len(piece) {
			return append(dst, piece[:free]...)
		}
		dst = append(dst, piece...)
	}
	return dst
}

// weightUnit is how many bytes of a message weigh as much as keeping track of it.
const weightUnit = 1024

// weight is what the message counts for in the bounds of outboxes: one, and one more for each KiB. That of a slot is not known yet.
func (m *message) weight() int64 {
	if m.slot {
		return 1
	}
	return 1 + int64(len(m.tail)+len(m.data))/weightUnit
}

// messageSize is what a message keeps beside its bytes.
const messageSize = 160

// bytes is what the message keeps.
func (m *message) bytes() int64 {
	return int64(messageSize + len(m.size) + len(m.tail) + len(m.data))
}

// release tells that an outbox does not hold the message any more.
func (m *message) release() {
	if m.budget != nil && m.refs.Add(-1) == 0 {
		m.budget.give(m)
	}
}
