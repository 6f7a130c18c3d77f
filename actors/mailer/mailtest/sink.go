// Package mailtest is an SMTP server for tests: a [Sink] takes every mail and keeps it until a test asks for it.
package mailtest

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// conversation bounds how long one client may talk to a sink.
const conversation = 20 * time.Second

// Options change how a [Sink] behaves.
type Options struct {
	// TLS is the server's side of encryption; nil offers none. Direct encrypts from the first byte instead of after STARTTLS.
	TLS    *tls.Config
	Direct bool
	// Auth is what is offered after AUTH; empty means PLAIN and LOGIN.
	Auth string
	// Refuse answers a command, in capitals, in the place of the sink; "" lets the sink answer. It may block.
	Refuse func(command string) string
}

// Sink is an SMTP server that listens on 127.0.0.1. Make one with [NewSink] and close it. It is safe for concurrent use.
type Sink struct {
	opts    Options
	ln      net.Listener
	running sync.WaitGroup

	mu      sync.Mutex
	refuse  func(command string) string
	unread  []Message
	arrived chan struct{} // closed and replaced with each mail
	tries   int
	failed  error
}

// NewSink starts a sink on a free port.
func NewSink(o Options) (*Sink, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start mail sink: %w", err)
	}
	if o.Direct {
		ln = tls.NewListener(ln, o.TLS)
	}
	if o.Auth == "" {
		o.Auth = "PLAIN LOGIN"
	}
	s := &Sink{opts: o, ln: ln, refuse: o.Refuse, arrived: make(chan struct{})}
	s.running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.serve(conn) })
		}
	})
	return s, nil
}

// Close stops the sink and waits for the conversations under way. It returns what a client sent that is no mail.
func (s *Sink) Close() error {
	s.ln.Close()
	s.running.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Port is where the sink listens.
func (s *Sink) Port() int { return s.ln.Addr().(*net.TCPAddr).Port }

// Tries is how many conversations were begun.
func (s *Sink) Tries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

// Refuse replaces the option of that name; nil refuses nothing.
func (s *Sink) Refuse(f func(command string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = f
}

// Take removes the oldest unread mail that match wants and returns it; nil wants any. It waits for one until within has passed, and
// tells then that there is none.
func (s *Sink) Take(match func(m *Message) bool, within time.Duration) (Message, bool) {
	timeout := time.NewTimer(within)
	defer timeout.Stop()
	for {
		m, found, arrived := s.look(match)
		if found {
			return m, true
		}
		select {
		case <-arrived:
		case <-timeout.C:
			return Message{}, false
		}
	}
}

func (s *Sink) look(match func(m *Message) bool) (Message, bool, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.unread {
		if m := s.unread[i]; match == nil || match(&m) {
			s.unread = append(s.unread[:i:i], s.unread[i+1:]...)
			return m, true, nil
		}
	}
	return Message{}, false, s.arrived
}

// Unread is how many mails nobody took yet.
func (s *Sink) Unread() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.unread)
}

func (s *Sink) keep(m Message, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed = fmt.Errorf("mail sink: %w", err)
	}
	s.unread = append(s.unread, m)
	close(s.arrived)
	s.arrived = make(chan struct{})
}

func (s *Sink) refusal(command string) string {
	s.mu.Lock()
	refuse := s.refuse
	if command == "" {
		s.tries++
	}
	s.mu.Unlock()
	if refuse == nil || command == "" {
		return ""
	}
	return refuse(command)
}

// session is one conversation.
type session struct {
	sink *Sink
	conn net.Conn
	in   *textproto.Reader
	mail Message
}

func (s *Sink) serve(conn net.Conn) {
	c := &session{sink: s, conn: conn, mail: Message{Encrypted: s.opts.Direct}}
	defer func() { c.conn.Close() }()
	s.refusal("")
	_ = conn.SetDeadline(time.Now().Add(conversation))
	c.in = textproto.NewReader(bufio.NewReader(conn))
	c.say("220 sink")
	for {
		line, err := c.in.ReadLine()
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(line, " ")
		if command = strings.ToUpper(command); !c.do(command, rest) {
			return
		}
	}
}

// do answers one command and tells whether there may be another.
func (c *session) do(command, rest string) bool {
	if answer := c.sink.refusal(command); answer != "" {
		c.say(answer)
		return true
	}
	switch command {
	case "EHLO":
		c.mail.Hello = rest
		c.say("250-sink")
		if c.sink.opts.TLS != nil && !c.mail.Encrypted {
			c.say("250-STARTTLS")
		}
		c.say("250 AUTH " + c.sink.opts.Auth)
	case "STARTTLS":
		c.say("220 go on")
		secure := tls.Server(c.conn, c.sink.opts.TLS)
		if secure.Handshake() != nil {
			return false
		}
		c.conn, c.mail.Encrypted = secure, true
		c.in = textproto.NewReader(bufio.NewReader(secure))
	case "AUTH":
		c.authenticate(rest)
	case "DATA":
		c.say("354 go on")
		raw, err := c.in.ReadDotBytes()
		if err != nil {
			return false
		}
		m := c.mail
		err = m.parse(raw)
		c.sink.keep(m, err)
		c.say("250 taken")
	case "QUIT":
		c.say("221 bye")
		return false
	default:
		c.say("250 ok")
	}
	return true
}

func (c *session) say(text string) { fmt.Fprint(c.conn, text+"\r\n") }

func (c *session) authenticate(rest string) {
	mechanism, first, _ := strings.Cut(rest, " ")
	c.mail.Mechanism = mechanism
	ask := func(question string) string {
		c.say("334 " + base64.StdEncoding.EncodeToString([]byte(question)))
		line, _ := c.in.ReadLine()
		return decoded(line)
	}
	switch mechanism {
	case "PLAIN":
		if parts := strings.Split(decoded(first), "\x00"); len(parts) == 3 {
			c.mail.User, c.mail.Password = parts[1], parts[2]
		}
	case "LOGIN":
		c.mail.User = ask("Username:")
		c.mail.Password = ask("Password:")
	}
	c.say("235 welcome")
}

// decoded is the text behind base64, or nothing.
func decoded(text string) string {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return ""
	}
	return string(raw)
}
