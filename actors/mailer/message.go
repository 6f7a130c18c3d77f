package mailer

import (
	"fmt"
	netmail "net/mail"
	"regexp"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/troupebase/troupe/storage/schema"
)

// Message is a mail to one address.
type Message struct {
	From, To netmail.Address
	Subject  string
	// HTML is the whole page; the part in plain text is made of it.
	HTML string
}

// messageIDLength is how many random characters a message's id begins with.
const messageIDLength = 15

// build makes the message as it goes over the wire.
func (m *Message) build(now time.Time) (*mail.Msg, error) {
	out := mail.NewMsg(mail.WithNoDefaultUserAgent())
	// The addresses are parsed again by the library, which refuses what could break out of a header.
	if err := out.EnvelopeFrom(m.From.Address); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	// The library puts every name into quotes, which not all that read mail take away. It writes no header of its own for an
	// address that is nil; the envelope has the address.
	out.FromMailAddress(&m.From)
	clear(out.GetFrom())
	out.SetGenHeaderPreformatted(mail.Header(mail.HeaderFrom), sender(m.From))
	if err := out.AddTo(m.To.Address); err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	_, domain, _ := strings.Cut(m.From.Address, "@")
	out.SetMessageIDWithValue(schema.NewSecret()[:messageIDLength] + "@" + domain)
	out.SetDateWithValue(now)
	out.Subject(oneLine(m.Subject))
	out.SetBodyString(mail.TypeTextPlain, plainText(m.HTML))
	out.AddAlternativeString(mail.TypeTextHTML, m.HTML)
	return out, nil
}

// sender is the header's form of an address: a simple name stands as it is, any other one in quotes or encoded.
func sender(a netmail.Address) string {
	switch {
	case a.Name == "":
		return a.Address
	case simpleName.MatchString(a.Name):
		return a.Name + " <" + a.Address + ">"
	}
	return a.String()
}

// simpleName are words that need no quotes (RFC 5322, section 3.2.3).
var simpleName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+( [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$")

// oneLine keeps a text within its header.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
