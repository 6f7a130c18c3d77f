package mailer

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/settings"
)

const (
	// maxQueued is how many mails may be on their way: a few kilobytes each, and an hour of work for a slow server.
	maxQueued = 4096
	// placesQueued and placesWaited are how many deliveries run at once of mails that nobody waits for, and of those that
	// somebody does, so that a server that hangs on the former does not hold the latter up. Mail servers do not like more.
	placesQueued, placesWaited = 4, 8
	// maxAttempts is how often a mail is tried unless it says otherwise.
	maxAttempts = 5
	// firstDelay is how long a mail waits for its second attempt, delayFactor by how much each wait is longer than the one
	// before: attempts come after 1, 5, 21 and 85 seconds.
	firstDelay, delayFactor = time.Second, 4
	// drainLimit bounds how long closing waits for what is still to be delivered.
	drainLimit = 5 * time.Second
)

var (
	// ErrFull says that too many mails are on their way.
	ErrFull = errors.New("the mail queue is full")
	// ErrClosed says that the mailer was closed before the mail was delivered.
	ErrClosed = errors.New("the mailer is closed")
)

// Options are what a [Mailer] takes from outside.
type Options struct {
	Logger *slog.Logger
	// Settings returns the current settings.
	Settings func() *settings.Settings
	// Supervisor is below which the mailer's actor runs.
	Supervisor *actors.Supervisor
	// TLS is what encrypted connections rest on; nil means the system's own authorities.
	TLS *tls.Config
	// Sendmail is the local program; "" means the usual places.
	Sendmail string
}

// Mail is a mail to be queued.
type Mail struct {
	// What names the kind of the mail in logs.
	What string
	// Make composes the message. It is called for each attempt, on a goroutine of the mailer.
	Make func() (*Message, error)
	// Attempts is how often delivery is tried; 0 is the default.
	Attempts int
	// Done, when it is set, is called once with the outcome, on a goroutine of the mailer: with the message that was
	// delivered, or with the reason for which the mail was given up.
	Done func(delivered *Message, err error)
}

// Mailer delivers mail. It is safe for concurrent use.
type Mailer struct {
	opts    Options
	ref     actors.Ref
	count   atomic.Int64 // of mails on their way
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool
	queue  queue // the actor's own
}

// Start spawns the actor of a new mailer.
func Start(o Options) (*Mailer, error) {
	m := &Mailer{opts: o}
	m.queue.retrying = make(map[*pendingMail]*time.Timer)
	ref, err := o.Supervisor.Spawn(actors.NewProps(func() actors.Actor { return queueActor{m} }, nil), "mailer")
	if err != nil {
		return nil, fmt.Errorf("start mailer: %w", err)
	}
	m.ref = ref
	return m, nil
}

// Queue hands a mail over; it does not wait for the delivery. A mail that finds no room is given up at once, which its
// Done is told on the caller's goroutine.
func (m *Mailer) Queue(mail Mail) {
	l := &pendingMail{mail: mail, ctx: context.Background(), left: mail.Attempts}
	if l.left <= 0 {
		l.left = maxAttempts
	}
	if err := m.admit(l); err != nil {
		m.finish(l, nil, err)
	}
}

// Send delivers a message and waits until it was, or until ctx ends. It is tried once. It fails with [ErrFull],
// [ErrClosed], the error of ctx, or the reason for which the message was not delivered.
func (m *Mailer) Send(ctx context.Context, message *Message) error {
	outcome := make(chan error, 1)
	l := &pendingMail{ctx: ctx, left: 1, waited: true}
	l.mail = Mail{
		Make: func() (*Message, error) { return message, nil },
		Done: func(_ *Message, err error) { outcome <- err },
	}
	if err := m.admit(l); err != nil {
		return err
	}
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		return fmt.Errorf("send mail: %w", ctx.Err())
	}
}

// admit passes a mail to the actor.
func (m *Mailer) admit(l *pendingMail) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ErrClosed
	}
	if m.count.Load() >= maxQueued {
		return ErrFull
	}
	m.count.Add(1)
	m.ref.Send(l)
	return nil
}

// attempt delivers a mail, and says what becomes of it.
func (m *Mailer) attempt(l *pendingMail) (again bool) {
	var message *Message
	err := routine.Guard(func() (err error) {
		if err := l.ctx.Err(); err != nil {
			return err // nobody waits any more
		}
		if message, err = l.mail.Make(); err != nil {
			return fmt.Errorf("compose mail: %w", err)
		}
		return m.deliver(l.ctx, message)
	})
	l.left--
	if err != nil && l.left > 0 && passing(err) {
		m.opts.Logger.Warn("mail not delivered yet", "mail", l.mail.What, "error", err, "attempts left", l.left)
		return true
	}
	m.finish(l, message, err)
	m.count.Add(-1)
	return false
}

// panicked logs the panic of a goroutine.
func (m *Mailer) panicked(p *routine.Panic) {
	m.opts.Logger.Error("mailer", "error", p, "stack", string(p.Stack))
}

// finish tells the outcome to those who wait for it.
func (m *Mailer) finish(l *pendingMail, message *Message, err error) {
	if err != nil {
		message = nil
		if !l.waited {
			m.opts.Logger.Error("mail not delivered", "mail", l.mail.What, "error", err)
		}
	}
	if l.mail.Done == nil {
		return
	}
	told := routine.Guard(func() error { l.mail.Done(message, err); return nil })
	if told != nil {
		m.opts.Logger.Error("outcome of a mail", "mail", l.mail.What, "error", told)
	}
}

// Close takes no more mail, tries what still waits once more, for a few seconds at most, and drops the rest, which is
// logged. Calling it again does nothing.
func (m *Mailer) Close() {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return
	}
	m.closed = true
	end := &drain{idle: make(chan struct{})}
	m.ref.Send(end)
	m.mu.Unlock()
	timer := time.NewTimer(drainLimit)
	defer timer.Stop()
	select {
	case <-end.idle:
		m.running.Wait()
	case <-timer.C:
		m.opts.Logger.Error("mails dropped at the end", "mails", m.count.Load())
	}
}
