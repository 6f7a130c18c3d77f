package api

import (
	"bufio"
	"fmt"
	"io"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/textproto"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"mime"

	"github.com/troupebase/troupe/storage/settings"
)

// sunk is a mail that a sink took.
type sunk struct{ to, subject, html string }

// mailSink is an SMTP server that keeps what it gets.
type mailSink struct {
	t       testing.TB
	inbox   chan sunk
	running sync.WaitGroup

	mu     sync.Mutex
	answer string // to RCPT; "" accepts
}

// sink sends the mails of the rig's server to a new sink.
func (g *rig) sink() *mailSink {
	g.t.Helper()
	s := &mailSink{t: g.t, inbox: make(chan sunk, 100)}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.t.Fatal(err)
	}
	s.running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.serve(conn) })
		}
	})
	g.t.Cleanup(func() {
		ln.Close()
		s.running.Wait()
	})
	_, err = g.app.SaveSettings(g.t.Context(), func(conf *settings.Settings) error {
		conf.SMTP = settings.SMTP{Enabled: true, Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port}
		conf.Meta.AppURL = "https://app.test"
		return nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return s
}

// refuse makes the sink answer so to each recipient; "" accepts them.
func (s *mailSink) refuse(answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *mailSink) serve(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	in := textproto.NewReader(bufio.NewReader(conn))
	fmt.Fprint(conn, "220 sink\r\n")
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		switch command, _, _ := strings.Cut(line, " "); command {
		case "RCPT":
			s.mu.Lock()
			answer := s.answer
			s.mu.Unlock()
			if answer == "" {
				answer = "250 ok"
			}
			fmt.Fprint(conn, answer+"\r\n")
		case "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			m, err := readMail(in.DotReader())
			if err != nil {
				s.t.Error(err)
			}
			s.inbox <- m
			fmt.Fprint(conn, "250 taken\r\n")
		case "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 ok\r\n")
		}
	}
}

func readMail(raw io.Reader) (m sunk, err error) {
	msg, err := netmail.ReadMessage(raw)
	if err != nil {
		return m, err
	}
	m.to = strings.Trim(msg.Header.Get("To"), "<>")
	m.subject, _ = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil {
		return m, err
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return m, nil
		}
		if err != nil {
			return m, err
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return m, err
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			m.html = string(body)
		}
	}
}

// next waits for a mail.
func (s *mailSink) next() sunk {
	s.t.Helper()
	select {
	case m := <-s.inbox:
		return m
	case <-time.After(15 * time.Second):
		s.t.Fatal("no mail came")
		return sunk{}
	}
}

// none checks that no mail has come so far. What would send one has ended before.
func (s *mailSink) none(why string) {
	s.t.Helper()
	select {
	case m := <-s.inbox:
		s.t.Errorf("%s: a mail came: %+v", why, m)
	default:
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
