package mailer

import (
	"strings"
	"time"
)

// MaxQueued is the bound of the queue.
const MaxQueued = maxQueued

// Wire is a message as it goes over the wire.
func Wire(m *Message) (string, error) {
	msg, err := m.build(time.Now())
	if err != nil {
		return "", err
	}
	var b strings.Builder
	_, err = msg.WriteTo(&b)
	return b.String(), err
}
