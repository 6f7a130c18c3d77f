package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os/exec"
	"sync"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/settings"
)

const (
	// commandLimit is how long one command to the SMTP server may take.
	commandLimit = 15 * time.Second
	// attemptLimit is how long one attempt may take in all.
	attemptLimit = 30 * time.Second
	// killDelay is how long sendmail may hold its output open after it was told to end.
	killDelay = time.Second
)

// ErrNoSendmail says that no SMTP server is set and the machine has no sendmail program.
var ErrNoSendmail = errors.New("failed to locate a sendmail executable path")

// sendmailPaths are where the program is looked for, the last one by PATH.
var sendmailPaths = [...]string{"/usr/sbin/sendmail", "/usr/bin/sendmail", "sendmail"}

// deliver makes one attempt to get rid of a message.
func (m *Mailer) deliver(ctx context.Context, message *Message) error {
	ctx, cancel := context.WithTimeout(ctx, attemptLimit)
	defer cancel()
	msg, err := message.build(time.Now())
	if err != nil {
		return fmt.Errorf("build mail: %w", err)
	}
	if conf := &m.opts.Settings().SMTP; conf.Enabled {
		return m.overSMTP(ctx, conf, msg)
	}
	return m.bySendmail(ctx, msg)
}

// overSMTP hands a message to the server of the settings.
func (m *Mailer) overSMTP(ctx context.Context, conf *settings.SMTP, msg *mail.Msg) error {
	conn := &connection{conf: conf, tls: &tls.Config{MinVersion: tls.VersionTLS12}}
	if m.opts.TLS != nil {
		conn.tls = m.opts.TLS.Clone()
	}
	conn.tls.ServerName = conf.Host
	client, err := mail.NewClient(conf.Host, smtpOptions(conf, conn)...)
	if err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	defer conn.close()
	// A deadline of the attempt as a whole; the library bounds single commands.
	defer routine.When(ctx, conn.close, m.panicked)()
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	// The message counts as sent once the server has taken it; how the conversation ends does not matter.
	defer func() { _ = client.Close() }()
	if err := client.Send(msg); err != nil {
		return fmt.Errorf("smtp: %w", err)
	}
	return nil
}

// connection is the connection of one attempt. The library leaves it open when the server refuses the greeting, the encryption or
// the password.
type connection struct {
	conf *settings.SMTP
	tls  *tls.Config
	mu   sync.Mutex
	conn net.Conn
}

func (c *connection) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	if c.conf.TLS {
		conn, err = (&tls.Dialer{Config: c.tls}).DialContext(ctx, network, address)
	} else {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
	return conn, err
}

func (c *connection) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		_ = c.conn.Close() // by now everything was said, or nothing will be
	}
}

func smtpOptions(conf *settings.SMTP, conn *connection) []mail.Option {
	name := conf.LocalName
	if name == "" {
		name = "localhost"
	}
	options := []mail.Option{
		mail.WithHELO(name), mail.WithTimeout(commandLimit), mail.WithPort(conf.Port),
		mail.WithTLSConfig(conn.tls), mail.WithDialContextFunc(conn.dial),
	}
	if conf.TLS {
		options = append(options, mail.WithSSL())
	} else {
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	}
	if conf.Username != "" || conf.Password != "" {
		kind := mail.SMTPAuthPlain
		if conf.AuthMethod == "LOGIN" {
			kind = mail.SMTPAuthLogin
		}
		options = append(options, mail.WithSMTPAuth(kind), mail.WithUsername(conf.Username), mail.WithPassword(conf.Password))
	}
	return options
}

// bySendmail hands a message to the local program.
func (m *Mailer) bySendmail(ctx context.Context, msg *mail.Msg) error {
	path, err := m.sendmail()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, "-i", "-t")
	cmd.WaitDelay = killDelay
	in, out := io.Pipe()
	cmd.Stdin = in
	routine.Go(func() {
		_, err := msg.WriteTo(out)
		out.CloseWithError(err) // a nil error ends the input
	}, func(p *routine.Panic) {
		out.CloseWithError(p)
		m.panicked(p)
	})
	err = cmd.Run()
	in.CloseWithError(errors.New("sendmail reads no more"))
	if err != nil {
		return fmt.Errorf("sendmail: %w", err)
	}
	return nil
}

func (m *Mailer) sendmail() (string, error) {
	if m.opts.Sendmail != "" {
		return m.opts.Sendmail, nil
	}
	for _, name := range sendmailPaths {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrNoSendmail
}

// passing tells whether what an attempt failed on may be over a moment later: a server that cannot be reached, or that
// says so itself.
func passing(err error) bool {
	var refusal *mail.SendError
	if errors.As(err, &refusal) {
		return refusal.IsTemp()
	}
	var answer *textproto.Error
	if errors.As(err, &answer) {
		return answer.Code >= 400 && answer.Code < 500
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
