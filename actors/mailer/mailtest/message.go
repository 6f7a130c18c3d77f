package mailtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

// Message is a mail as a [Sink] took it.
type Message struct {
	// Raw is all of it. From and To are as they stand in its head, Subject is decoded.
	Raw, From, To, Subject string
	// HTML and Text are its two bodies, with \n between lines.
	HTML, Text string
	// Hello is what the client called itself; User, Password and Mechanism are how it signed in.
	Hello                     string
	User, Password, Mechanism string
	// Encrypted tells whether it came encrypted.
	Encrypted bool
}

// Recipient is the bare address of To.
func (m *Message) Recipient() string {
	if a, err := mail.ParseAddress(m.To); err == nil {
		return a.Address
	}
	return m.To
}

// Sender is From with its words decoded.
func (m *Message) Sender() string {
	from, err := new(mime.WordDecoder).DecodeHeader(m.From)
	if err != nil {
		return m.From
	}
	return from
}

// Parse reads a mail of several parts, such as a program for sending mail was given.
func Parse(raw []byte) (m Message, err error) {
	err = m.parse(raw)
	return m, err
}

// parse reads a mail of several parts.
func (m *Message) parse(raw []byte) error {
	m.Raw = string(raw)
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("read mail: %w", err)
	}
	m.From, m.To = msg.Header.Get("From"), msg.Header.Get("To")
	m.Subject, _ = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		return fmt.Errorf("a mail of type %q has no parts", msg.Header.Get("Content-Type"))
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read mail: %w", err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return fmt.Errorf("read mail: %w", err)
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			m.HTML = text
		} else {
			m.Text = text
		}
	}
}
