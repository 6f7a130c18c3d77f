package realtime

import (
	"strconv"
)

// clientIDLength is the length of every client id, so that messages for many clients have one length.
const clientIDLength = 40

// message is one piece of a stream: an event, encoded once for all clients that get it, or raw bytes. It is immutable.
//
// An event is a chunk of HTTP's chunked encoding. Only the id of the client differs between streams; it stands between
// head and tail.
type message struct {
	head, tail []byte
	raw        bool // head alone, without id
}

// newMessage encodes an event. data is one line of JSON and is copied.
func newMessage(event string, data []byte) *message {
	const before, name, body, end = "id:", "\nevent:", "\ndata:", "\n\n"
	length := len(before) + clientIDLength + len(name) + len(event) + len(body) + len(data) + len(end)
	m := &message{head: make([]byte, 0, 8+len(before)), tail: make([]byte, 0, length)}
	m.head = strconv.AppendInt(m.head, int64(length), 16)
	m.head = append(m.head, "\r\n"+before...)
	m.tail = append(m.tail, name...)
	m.tail = append(m.tail, event...)
	m.tail = append(m.tail, body...)
	m.tail = append(m.tail, data...)
	m.tail = append(m.tail, end+"\r\n"...)
	return m
}

// The pieces of a stream that are no events: a comment, which keeps proxies awake, and the end of the answer.
var (
	commentMessage = &message{raw: true, head: []byte("3\r\n:\n\n\r\n")}
	endMessage     = &message{raw: true, head: []byte("0\r\n\r\n")}
)

// appendTo appends the bytes that go to the client with that id.
func (m *message) appendTo(dst []byte, id string) []byte {
	dst = append(dst, m.head...)
	if m.raw {
		return dst
	}
	dst = append(dst, id...)
	return append(dst, m.tail...)
}

// weightUnit is how many bytes of a message weigh as much as keeping track of it.
const weightUnit = 1024

// weight is what the message counts for in the bounds of outboxes: one, and one more for each KiB.
func (m *message) weight() int64 { return 1 + int64(len(m.tail)+len(m.head))/weightUnit }
