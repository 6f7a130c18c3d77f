package api_test

import (
	"regexp"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/mailer/mailtest"
	"github.com/troupebase/troupe/storage/settings"
)

// sunk is a mail that a sink took.
type sunk struct{ to, subject, html string }

// mailSink is a sink of one test.
type mailSink struct {
	*mailtest.Sink
	t testing.TB
}

// sink sends the mails of the rig's server to a new sink.
func (g *rig) sink() *mailSink {
	g.t.Helper()
	s, err := mailtest.NewSink(mailtest.Options{})
	if err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() {
		if err := s.Close(); err != nil {
			g.t.Error(err)
		}
	})
	_, err = g.app.Settings.Save(g.t.Context(), func(conf *settings.Settings) error {
		conf.SMTP = settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}
		conf.Meta.AppURL = "https://app.test"
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return &mailSink{s, g.t}
}

// refuse makes the sink answer so to each recipient; "" accepts them.
func (s *mailSink) refuse(answer string) {
	s.Refuse(func(command string) string {
		if command == "RCPT" {
			return answer
		}
		return ""
	})
}

// next waits for a mail.
func (s *mailSink) next() sunk {
	s.t.Helper()
	m, ok := s.Take(nil, 15*time.Second)
	if !ok {
		s.t.Fatal("no mail came")
	}
	return sunk{m.Recipient(), m.Subject, m.HTML}
}

// none checks that no mail has come so far. What would send one has ended before.
func (s *mailSink) none(why string) {
	s.t.Helper()
	if m, ok := s.Take(nil, 0); ok {
		s.t.Errorf("%s: a mail came: %+v", why, m)
	}
}

// find returns the first group of an expression in a mail.
func (m sunk) find(t testing.TB, expression string) string {
	t.Helper()
	found := regexp.MustCompile(expression).FindStringSubmatch(m.html)
	if found == nil {
		t.Fatalf("no %s in %s", expression, m.html)
	}
	return found[1]
}
