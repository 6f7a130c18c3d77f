package mailer_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/actors/mailer"
	"github.com/troupebase/troupe/actors/mailer/mailtest"
	"github.com/troupebase/troupe/storage/settings"
)

// newMailer starts a mailer on an actor system of its own.
func newMailer(t *testing.T, smtp settings.SMTP, change func(o *mailer.Options)) *mailer.Mailer {
	t.Helper()
	system, err := actors.NewSystem("test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	conf := settings.Default()
	conf.SMTP = smtp
	o := mailer.Options{
		Logger:     slog.New(slog.DiscardHandler),
		Settings:   func() *settings.Settings { return conf },
		Supervisor: system.Root(),
	}
	if change != nil {
		change(&o)
	}
	m, err := mailer.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		m.Close()
		if err := system.Stop(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func message() *mailer.Message {
	return &mailer.Message{
		From:    netmail.Address{Name: "Robot", Address: "robot@app.test"},
		To:      netmail.Address{Address: "ann@x.test"},
		Subject: "Grüße\r\nBcc: eve@x.test",
		HTML:    `<html><head><style>p{}</style></head><body><p>Hello  <b>Ann</b>,</p><p>see <a class="btn" href="https://x.test/?a=1&amp;b=2">this</a>.<br>Bye</p></body></html>`,
	}
}

func TestSMTP(t *testing.T) {
	server, client := certificate(t)
	trusting := func(o *mailer.Options) { o.TLS = client }
	plain := settings.SMTP{Enabled: true, Host: "127.0.0.1"}
	with := func(change func(s *settings.SMTP)) settings.SMTP {
		s := plain
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		sink    mailtest.Options
		conf    settings.SMTP
		options func(o *mailer.Options)
		want    mailtest.Message
		fails   string
	}{
		"no password":  {conf: plain, want: mailtest.Message{Hello: "localhost"}},
		"local name":   {conf: with(func(s *settings.SMTP) { s.LocalName = "app.test" }), want: mailtest.Message{Hello: "app.test"}},
		"PLAIN":        {conf: with(func(s *settings.SMTP) { s.Username, s.Password = "u", "p w" }), want: mailtest.Message{Hello: "localhost", User: "u", Password: "p w", Mechanism: "PLAIN"}},
		"LOGIN":        {conf: with(func(s *settings.SMTP) { s.Username, s.Password, s.AuthMethod = "u", "p", "LOGIN" }), want: mailtest.Message{Hello: "localhost", User: "u", Password: "p", Mechanism: "LOGIN"}},
		"STARTTLS":     {sink: mailtest.Options{TLS: server}, conf: with(func(s *settings.SMTP) { s.Username = "u" }), options: trusting, want: mailtest.Message{Hello: "localhost", User: "u", Mechanism: "PLAIN", Encrypted: true}},
		"TLS":          {sink: mailtest.Options{TLS: server, Direct: true}, conf: with(func(s *settings.SMTP) { s.TLS = true; s.Username = "u" }), options: trusting, want: mailtest.Message{Hello: "localhost", User: "u", Mechanism: "PLAIN", Encrypted: true}},
		"unknown cert": {sink: mailtest.Options{TLS: server}, conf: plain, fails: "certificate"},
		"wrong password": {
			sink:  mailtest.Options{Refuse: refusing("AUTH", "535 wrong")},
			conf:  with(func(s *settings.SMTP) { s.Username = "u" }),
			fails: "535",
		},
		"unknown recipient": {sink: mailtest.Options{Refuse: refusing("RCPT", "550 nobody")}, conf: plain, fails: "550"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSink(t, c.sink)
			c.conf.Port = s.Port()
			m := newMailer(t, c.conf, c.options)
			err := m.Send(t.Context(), message())
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Fatalf("error %v, want one with %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			checkMail(t, s.next(), c.want)
		})
	}
}

// checkMail compares a mail with message and what the server was told before it with want.
func checkMail(t *testing.T, got, want mailtest.Message) {
	t.Helper()
	if got.From != "Robot <robot@app.test>" || got.To != "<ann@x.test>" || got.Subject != "Grüße  Bcc: eve@x.test" {
		t.Errorf("from %q, to %q, subject %q", got.From, got.To, got.Subject)
	}
	if n := strings.Count(got.Raw, "From: "); n != 1 {
		t.Errorf("%d From headers in %s", n, got.Raw)
	}
	if text := "Hello Ann,\n\nsee [this](https://x.test/?a=1&b=2).\nBye"; strings.TrimSpace(got.Text) != text {
		t.Errorf("text %q, want %q", got.Text, text)
	}
	if !strings.Contains(got.HTML, "<b>Ann</b>") {
		t.Errorf("html %q", got.HTML)
	}
	got.Raw, got.From, got.To, got.Subject, got.Text, got.HTML = "", "", "", "", "", ""
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func refusing(command, answer string) func(string) string {
	return func(got string) string {
		if got == command {
			return answer
		}
		return ""
	}
}

// TestNoPasswordInClear: a password is given to a server elsewhere only over an encrypted connection.
func TestNoPasswordInClear(t *testing.T) {
	for _, method := range []string{"PLAIN", "LOGIN"} {
		s := newSink(t, mailtest.Options{})
		// A name that means this machine, but is none of those that are known to.
		conf := settings.SMTP{Enabled: true, Host: "LOCALHOST", Port: s.Port(), Username: "u", Password: "p", AuthMethod: method}
		if err := newMailer(t, conf, nil).Send(t.Context(), message()); err == nil {
			t.Errorf("%s: the mail was sent", method)
		}
		if s.Tries() != 1 {
			t.Errorf("%s: the server was not asked", method)
		}
		if got, ok := s.Take(nil, 0); ok {
			t.Errorf("%s: the server got %+v", method, got)
		}
	}
}

func TestSendmail(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	program := filepath.Join(dir, "sendmail")
	script := "#!/bin/sh\necho \"$@\" > " + out + ".args\ncat > " + out + "\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	m := newMailer(t, settings.SMTP{}, func(o *mailer.Options) { o.Sendmail = program })
	if err := m.Send(t.Context(), message()); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	got, err := mailtest.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if got.From != "Robot <robot@app.test>" || got.To != "<ann@x.test>" || !strings.Contains(got.Text, "Hello Ann") {
		t.Errorf("got %+v", got)
	}
	args, err := os.ReadFile(out + ".args")
	if err != nil || strings.TrimSpace(string(args)) != "-i -t" {
		t.Errorf("arguments %q, %v", args, err)
	}
	failing := newMailer(t, settings.SMTP{}, func(o *mailer.Options) { o.Sendmail = "/bin/false" })
	if err := failing.Send(t.Context(), message()); err == nil {
		t.Error("a program that fails delivers")
	}
}

func TestNoSendmail(t *testing.T) {
	if _, err := os.Stat("/usr/sbin/sendmail"); err == nil {
		t.Skip("this machine has a sendmail")
	}
	t.Setenv("PATH", t.TempDir())
	m := newMailer(t, settings.SMTP{}, nil)
	if err := m.Send(t.Context(), message()); !errors.Is(err, mailer.ErrNoSendmail) {
		t.Errorf("error %v", err)
	}
}

// outcome is what the Done of a queued mail was told.
type outcome struct {
	delivered *mailer.Message
	err       error
}

func queued(attempts int, made *atomic.Int64) (mailer.Mail, chan outcome) {
	done := make(chan outcome, 1)
	return mailer.Mail{
		What: "test", Attempts: attempts,
		Make: func() (*mailer.Message, error) {
			made.Add(1)
			return message(), nil
		},
		Done: func(m *mailer.Message, err error) { done <- outcome{m, err} },
	}, done
}

func TestQueueTriesAgain(t *testing.T) {
	var mu sync.Mutex
	left := 1
	s := newSink(t, mailtest.Options{
		Refuse: func(command string) string {
			mu.Lock()
			defer mu.Unlock()
			if command == "RCPT" && left > 0 {
				left--
				return "451 later"
			}
			return ""
		},
	})
	m := newMailer(t, settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}, nil)
	var made atomic.Int64
	mail, done := queued(3, &made)
	m.Queue(mail)
	got := <-done
	if got.err != nil || got.delivered == nil || got.delivered.To.Address != "ann@x.test" {
		t.Errorf("outcome %+v", got)
	}
	if s.next(); made.Load() != 2 || s.Tries() != 2 {
		t.Errorf("made %d times, %d attempts", made.Load(), s.Tries())
	}
}

func TestQueueGivesUp(t *testing.T) {
	var logged bytes.Buffer
	s := newSink(t, mailtest.Options{Refuse: refusing("RCPT", "550 nobody")})
	m := newMailer(t, settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}, func(o *mailer.Options) {
		o.Logger = slog.New(slog.NewTextHandler(&logged, nil))
	})
	var made atomic.Int64
	mail, done := queued(3, &made)
	m.Queue(mail)
	if got := <-done; got.err == nil || got.delivered != nil {
		t.Errorf("outcome %+v", got)
	}
	m.Close()
	if made.Load() != 1 {
		t.Errorf("a refusal for good was tried %d times", made.Load())
	}
	if text := logged.String(); !strings.Contains(text, "mail not delivered") || strings.Contains(text, "Hello") {
		t.Errorf("logged %s", text)
	}
}

// TestQueuePanic: a panic of a mail's own functions is that mail's failure.
func TestQueuePanic(t *testing.T) {
	s := newSink(t, mailtest.Options{})
	m := newMailer(t, settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}, nil)
	m.Queue(mailer.Mail{What: "bad", Make: func() (*mailer.Message, error) { panic("make") }, Done: func(*mailer.Message, error) { panic("done") }})
	if err := m.Send(t.Context(), message()); err != nil {
		t.Error(err)
	}
}

// TestQueueIsBounded: beyond the bound a mail is given up at once, and those that wait are delivered.
func TestQueueIsBounded(t *testing.T) {
	hold := make(chan struct{})
	s := newSink(t, mailtest.Options{})
	m := newMailer(t, settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}, nil)
	var ok, full atomic.Int64
	all := sync.WaitGroup{}
	for range mailer.MaxQueued + 10 {
		all.Add(1)
		m.Queue(mailer.Mail{
			What: "many",
			Make: func() (*mailer.Message, error) {
				<-hold
				return nil, errors.New("enough was seen")
			},
			Done: func(_ *mailer.Message, err error) {
				defer all.Done()
				if errors.Is(err, mailer.ErrFull) {
					full.Add(1)
				} else {
					ok.Add(1)
				}
			},
		})
	}
	if full.Load() != 10 {
		t.Errorf("%d mails found no room, want 10", full.Load())
	}
	if err := m.Send(t.Context(), message()); !errors.Is(err, mailer.ErrFull) {
		t.Errorf("error %v", err)
	}
	close(hold)
	all.Wait()
	if ok.Load() != mailer.MaxQueued {
		t.Errorf("%d mails had an outcome of their own", ok.Load())
	}
}

// TestSendOvertakesTheQueue: a mail that somebody waits for does not wait for those that nobody does.
func TestSendOvertakesTheQueue(t *testing.T) {
	hold := make(chan struct{})
	s := newSink(t, mailtest.Options{})
	m := newMailer(t, settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}, nil)
	for range 20 {
		m.Queue(mailer.Mail{What: "slow", Make: func() (*mailer.Message, error) { <-hold; return message(), nil }})
	}
	if err := m.Send(t.Context(), message()); err != nil {
		t.Error(err)
	}
	close(hold)
}

func TestSendStopsWaiting(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	s := newSink(t, mailtest.Options{Refuse: func(string) string { <-hold; return "" }})
	m := newMailer(t, settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := m.Send(ctx, message()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestCloseDelivers: what waits when the mailer closes is delivered, also what waits for another attempt.
func TestCloseDelivers(t *testing.T) {
	var refused atomic.Bool
	again := make(chan struct{}, 1)
	s := newSink(t, mailtest.Options{
		Refuse: func(command string) string {
			if command == "RCPT" && refused.CompareAndSwap(false, true) {
				return "451 later"
			}
			return ""
		},
	})
	m := newMailer(t, settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: s.Port()}, func(o *mailer.Options) {
		o.Logger = slog.New(&signal{again})
	})
	var made atomic.Int64
	mail, done := queued(5, &made)
	m.Queue(mail)
	<-again // the first attempt has failed
	for range 9 {
		mail, _ := queued(1, &made)
		m.Queue(mail)
	}
	m.Close()
	if got := <-done; got.err != nil {
		t.Error(got.err)
	}
	if n := s.Unread(); n != 10 {
		t.Errorf("%d mails came, want 10", n)
	}
	late, told := queued(1, &made)
	m.Queue(late)
	if got := <-told; !errors.Is(got.err, mailer.ErrClosed) {
		t.Errorf("a closed mailer says %v", got.err)
	}
	if err := m.Send(t.Context(), message()); !errors.Is(err, mailer.ErrClosed) {
		t.Errorf("a closed mailer says %v", err)
	}
}

// signal is a log that tells of its first record.
type signal struct{ first chan struct{} }

func (s *signal) Enabled(context.Context, slog.Level) bool { return true }
func (s *signal) WithAttrs([]slog.Attr) slog.Handler       { return s }
func (s *signal) WithGroup(string) slog.Handler            { return s }
func (s *signal) Handle(context.Context, slog.Record) error {
	select {
	case s.first <- struct{}{}:
	default:
	}
	return nil
}
