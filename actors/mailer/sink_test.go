package mailer_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"sync"
	"testing"
	"time"
)

// received is a mail that a sink took.
type received struct {
	raw                       string
	from, to, subject         string
	html, text                string
	user, password, mechanism string
	encrypted                 bool
	helo                      string
}

// sink is an SMTP server that keeps what it gets.
type sink struct {
	t       *testing.T
	ln      net.Listener
	tls     *tls.Config // nil: no encryption
	direct  bool        // encrypted from the start
	auth    string      // what is offered after AUTH
	refuse  func(command string) string
	inbox   chan received
	mu      sync.Mutex
	tries   int
	running sync.WaitGroup
}

func newSink(t *testing.T, change func(s *sink)) *sink {
	t.Helper()
	s := &sink{t: t, inbox: make(chan received, 1000), auth: "PLAIN LOGIN"}
	if change != nil {
		change(s)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.direct {
		ln = tls.NewListener(ln, s.tls)
	}
	s.ln = ln
	s.running.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			s.running.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() {
		ln.Close()
		s.running.Wait()
	})
	return s
}

func (s *sink) port() int { return s.ln.Addr().(*net.TCPAddr).Port }

// attempts is how many conversations were begun.
func (s *sink) attempts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

func (s *sink) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	s.mu.Lock()
	s.tries++
	s.mu.Unlock()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	r := received{encrypted: s.direct}
	in := textproto.NewReader(bufio.NewReader(conn))
	say := func(text string) { fmt.Fprint(conn, text+"\r\n") }
	say("220 sink")
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		command, rest, _ := strings.Cut(line, " ")
		command = strings.ToUpper(command)
		if s.refuse != nil {
			if answer := s.refuse(command); answer != "" {
				say(answer)
				continue
			}
		}
		switch command {
		case "EHLO":
			r.helo = rest
			say("250-sink")
			if s.tls != nil && !r.encrypted {
				say("250-STARTTLS")
			}
			say("250 AUTH " + s.auth)
		case "STARTTLS":
			say("220 go on")
			secure := tls.Server(conn, s.tls)
			if err := secure.Handshake(); err != nil {
				return
			}
			conn, r.encrypted = secure, true
			in = textproto.NewReader(bufio.NewReader(conn))
		case "AUTH":
			s.authenticate(&r, rest, in, say)
		case "DATA":
			say("354 go on")
			raw, err := in.ReadDotBytes()
			if err != nil {
				return
			}
			parse(s.t, &r, string(raw))
			s.inbox <- r
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *sink) authenticate(r *received, rest string, in *textproto.Reader, say func(string)) {
	decode := func(text string) string {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			s.t.Error(err)
		}
		return string(raw)
	}
	mechanism, first, _ := strings.Cut(rest, " ")
	r.mechanism = mechanism
	ask := func(question string) string {
		say("334 " + base64.StdEncoding.EncodeToString([]byte(question)))
		line, _ := in.ReadLine()
		return decode(line)
	}
	switch mechanism {
	case "PLAIN":
		parts := strings.Split(decode(first), "\x00")
		r.user, r.password = parts[1], parts[2]
	case "LOGIN":
		r.user = ask("Username:")
		r.password = ask("Password:")
	}
	say("235 welcome")
}

// next waits for a mail.
func (s *sink) next() received {
	s.t.Helper()
	select {
	case r := <-s.inbox:
		return r
	case <-time.After(15 * time.Second):
		s.t.Fatal("no mail came")
		return received{}
	}
}

func parse(t *testing.T, r *received, raw string) {
	r.raw = raw
	msg, err := netmail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Error(err)
		return
	}
	word := new(mime.WordDecoder)
	r.from, r.to = msg.Header.Get("From"), msg.Header.Get("To")
	r.subject, _ = word.DecodeHeader(msg.Header.Get("Subject"))
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		t.Errorf("content type %q: %v", msg.Header.Get("Content-Type"), err)
		return
	}
	parts := multipart.NewReader(msg.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Error(err)
		}
		text := strings.ReplaceAll(string(body), "\r\n", "\n")
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			r.html = text
		} else {
			r.text = text
		}
	}
}

// certificate makes a certificate for 127.0.0.1, and what a client has to trust to accept it.
func certificate(t *testing.T) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sink"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}
