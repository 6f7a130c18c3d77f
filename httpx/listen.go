package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/troupebase/troupe/internal/routine"
)

const (
	// acceptPause is how long the server waits after it could not take a connection, at first and at most.
	acceptPause, acceptPauseMost = 5 * time.Millisecond, time.Second
	// maxRefusals is how many refused connections are told so at a time; the others are just closed. Each holds a descriptor for up to
	// refusalTime.
	maxRefusals = 32
	refusalTime = time.Second
	// shutdownLook is how often a stopping server looks whether all requests are answered.
	shutdownLook = 5 * time.Millisecond
)

// Serve answers the connections of ln until [Server.Shutdown]. It may be called for several listeners. That there are no descriptors left, or
// no memory for a connection, is no reason to end: it waits and goes on.
func (s *Server) Serve(ln net.Listener) error {
	s.mu.Lock()
	s.listeners = append(s.listeners, ln)
	s.mu.Unlock()
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			s.admit(nc)
			continue
		}
		if isClosed(err) {
			return nil
		}
		if pause == 0 {
			s.log.Warn("no connection could be taken, the server tries again", slog.String("address", ln.Addr().String()), slog.Any("error", err))
		}
		s.places.relieve()
		pause = min(max(2*pause, acceptPause), acceptPauseMost)
		select {
		case <-time.After(pause):
		case <-s.stopping:
			return nil
		}
	}
}

// isClosed tells whether a listener says that it was closed; some say so only in words.
func isClosed(err error) bool {
	return errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) || strings.Contains(err.Error(), "use of closed network connection")
}

// admit begins to serve a connection, or refuses it.
func (s *Server) admit(nc net.Conn) {
	c := newConn(s, nc)
	if s.places.enter(c) {
		s.start("serve a connection", c, c.wait)
		return
	}
	select {
	case s.refusals <- struct{}{}:
		s.start("refuse a connection", c, func() {
			defer func() { <-s.refusals }()
			c.refuse(&Error{Status: fasthttp.StatusServiceUnavailable, Message: "Too many connections, try again later.", RetryAfter: time.Second}, refusalTime)
		})
	default:
		nc.Close()
	}
}

// start runs f on a goroutine of its own. A panic is logged, and ends the connection and nothing else.
func (s *Server) start(what string, c *conn, f func()) {
	routine.Go(f, func(p *routine.Panic) {
		s.log.Error("panic: "+what, slog.Any("panic", p.Value), slog.String("stack", string(p.Stack)))
		c.end()
	})
}

// Shutdown closes the listeners and idle connections and waits for running requests until ctx ends. Hijacked connections
// are their owners'.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	listeners := s.listeners
	s.listeners = nil
	if !s.stopped.Swap(true) {
		close(s.stopping)
	}
	s.mu.Unlock()
	var failed []error
	for _, ln := range listeners {
		if err := ln.Close(); err != nil && !isClosed(err) {
			failed = append(failed, err)
		}
	}
	s.places.shut()
	look := time.NewTicker(shutdownLook)
	defer look.Stop()
	for s.places.serving() > 0 {
		select {
		case <-look.C:
		case <-ctx.Done():
			failed = append(failed, fmt.Errorf("requests are still being answered: %w", ctx.Err()))
			return fmt.Errorf("shut down: %w", errors.Join(failed...))
		}
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("shut down: %w", err)
	}
	return nil
}
