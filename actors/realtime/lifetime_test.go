package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/internal/eventually"
)

func TestHangUpIsNoticed(t *testing.T) {
	g := newRig(t)
	hub := g.app.Realtime
	stay := g.open()
	for _, leave := range []func(s *stream) error{
		func(s *stream) error { return s.conn.Close() },
		func(s *stream) error { return s.conn.(*net.TCPConn).CloseWrite() },
		func(s *stream) error { must(t, s.conn.(*net.TCPConn).SetLinger(0)); return s.conn.Close() },
	} {
		s := g.open()
		s.subscribe(g.user("", "u"+s.id[:4]).Identity(), "docs/*", "a", "b?c")
		must(t, leave(s))
		eventually.True(t, "the client is forgotten", func() bool { return hub.Len() == 1 })
		if err := hub.Subscribe(context.Background(), s.id, nil, nil, s.ip, nil); !errors.Is(err, realtime.ErrUnknownClient) {
			t.Errorf("the client is still known: %v", err)
		}
	}
	if a, b, c, d := hub.Topics(); a+b+c+d != 0 {
		t.Errorf("left behind: %d topics, %d bases, %d watched, %d bound", a, b, c, d)
	}
	stay.subscribe(nil, "docs/*")
	c := g.docs("")
	g.create(c, map[string]any{"t": "x"})
	stay.expect("docs/* create x")
}

// TestOtherConnections: what is no plain socket works all the same.
func TestOtherConnections(t *testing.T) {
	g := newRig(t)
	near, far := net.Pipe()
	must(t, g.app.Realtime.Connect(far, realtime.Opening{Head: []byte(head), IP: "ip", Client: "ip"}))
	buf := make([]byte, 4096)
	near.SetReadDeadline(time.Now().Add(patience))
	var got string
	for !strings.Contains(got, "PB_CONNECT") {
		n, err := near.Read(buf)
		must(t, err)
		got += string(buf[:n])
	}
	near.Close()
	eventually.True(t, "the client is forgotten", func() bool { return g.app.Realtime.Len() == 0 })
}

func TestStreamsEnd(t *testing.T) {
	g := newRig(t)
	hub := g.app.Realtime
	c := g.docs("")
	idle, busy := g.open(), g.open()
	idle.subscribe(nil, "docs/*")
	busy.subscribe(nil, "docs/*")
	hub.Later(4 * time.Minute)
	busy.subscribe(nil, "docs/*")
	idle.subscribe(nil)
	g.create(c, map[string]any{"t": "kept"})
	busy.expect("docs/* create kept")
	hub.Later(5*time.Minute + time.Second)
	if e, err := idle.read(); err != io.EOF {
		t.Errorf("an idle stream goes on: %+v %v", e, err)
	}
	if _, err := idle.r.Read(make([]byte, 1)); err != nil && err != io.EOF {
		t.Errorf("the end of an idle stream: %v", err)
	}
	g.create(c, map[string]any{"t": "still"})
	busy.expect("docs/* create still")
	for m := 9; m < 30; m += 4 {
		hub.Later(time.Duration(m) * time.Minute)
		g.create(c, map[string]any{"t": "still"})
		busy.expect("docs/* create still")
	}
	hub.Later(30*time.Minute + time.Second)
	if e, err := busy.read(); err != io.EOF {
		t.Errorf("an old stream goes on: %+v %v", e, err)
	}
	eventually.True(t, "both are forgotten", func() bool { return hub.Len() == 0 })
}

func TestCommentsKeepStreamsAwake(t *testing.T) {
	g := newRig(t)
	s := g.open()
	g.app.Realtime.Later(26 * time.Second)
	line, err := s.line.ReadString('\n')
	if must(t, err); line != ":\n" {
		t.Errorf("got %q", line)
	}
	if line, err = s.line.ReadString('\n'); err != nil || line != "\n" {
		t.Errorf("got %q, %v", line, err)
	}
	s.subscribe(nil, "x")
	g.app.Realtime.Later(27 * time.Second)
	must(t, g.app.Realtime.Send(s.id, "x", []byte("1")))
	if line, _ = s.line.ReadString('\n'); !strings.HasPrefix(line, "id:") {
		t.Errorf("a second comment too early: %q", line)
	}
}

func TestCloseEndsStreams(t *testing.T) {
	g := newRig(t)
	s := g.open()
	c := g.docs("")
	s.subscribe(nil, "docs/*")
	g.create(c, map[string]any{"t": "last"})
	must(t, g.app.Close())
	s.expect("docs/* create last")
	if _, err := s.read(); err != io.EOF {
		t.Errorf("the end: %v", err)
	}
	near, far := net.Pipe()
	defer near.Close()
	if err := g.app.Realtime.Connect(far, realtime.Opening{Head: []byte(head), IP: "ip", Client: "ip"}); !errors.Is(err, realtime.ErrClosed) {
		t.Errorf("connect after close: %v", err)
	}
}

// TestPanicOfAClientsActor ends that stream and no other.
func TestPanicOfAClientsActor(t *testing.T) {
	g := newRig(t)
	hub := g.app.Realtime
	bad, good := g.open(), g.open()
	hub.Fail(bad.id)
	if _, err := bad.read(); err == nil {
		t.Error("the stream goes on")
	}
	eventually.True(t, "the client is forgotten", func() bool { return hub.Len() == 1 })
	good.subscribe(nil, "docs/*")
	g.create(g.docs(""), map[string]any{"t": "x"})
	good.expect("docs/* create x")
}

// TestClientThatDoesNotReadIsDropped: it slows nobody down until then.
func TestClientThatDoesNotReadIsDropped(t *testing.T) {
	g := newRig(t)
	hub := g.app.Realtime
	c := g.docs("")
	lazy, keen := g.open(), g.open()
	must(t, lazy.conn.(*net.TCPConn).SetReadBuffer(4096))
	lazy.subscribe(nil, "docs/*")
	keen.subscribe(nil, "docs/*")
	text := strings.Repeat("x", 4000)
	const writes = 4000
	read := make(chan error, 1)
	go func() {
		for range writes {
			if _, err := keen.read(); err != nil {
				read <- err
				return
			}
		}
		read <- nil
	}()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range writes / 8 {
				g.create(c, map[string]any{"t": text})
			}
		})
	}
	wg.Wait()
	if err := <-read; err != nil {
		t.Fatalf("the one that reads: %v", err)
	}
	eventually.True(t, "the one that does not is dropped", func() bool { return hub.Len() == 1 })
	eventually.True(t, "nothing is owed", func() bool { return hub.Owed() == 0 })
}

// TestStreamsComeAndGo while changes are told: meant for the race detector.
func TestStreamsComeAndGo(t *testing.T) {
	g := newRig(t)
	c := g.docs(`@request.auth.id = "" || owner = @request.auth.id`)
	ann := g.user("ann000000000001", "ann")
	who := ann.Identity()
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				r := g.create(c, map[string]any{"t": fmt.Sprint(i), "owner": who.ID})
				if i%3 == 0 {
					g.delete(r)
				}
				if i%10 == 0 {
					g.update(ann, map[string]any{"name": fmt.Sprint(i)})
				}
			}
		}
	})
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 20 {
				s := g.open()
				s.subscribe(nil, "docs/*", "users/*", fmt.Sprint("docs/", i))
				s.next()
				if w%2 == 0 {
					s.subscribe(who, `docs/*?options={"query":{"fields":"id"}}`)
					s.next()
				}
				s.conn.Close()
			}
		})
	}
	wg.Wait()
	close(stop)
	writer.Wait()
	eventually.True(t, "all are forgotten", func() bool { return g.app.Realtime.Len() == 0 })
}
