package realtime_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// patience bounds waits for something that must happen; a test that passes never waits as long.
const patience = 20 * time.Second

// rig is an application whose streams are read by the test.
type rig struct {
	t   testing.TB
	app *app.App
	ln  net.Listener
}

func newRig(t testing.TB) *rig {
	t.Helper()
	a, err := app.Open(context.Background(), app.Options{
		Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ln.Close()
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &rig{t, a, ln}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// collection makes a collection from its JSON.
func (g *rig) collection(definition string) *schema.Collection {
	g.t.Helper()
	c, err := schema.DecodeNew([]byte(definition))
	must(g.t, err)
	must(g.t, g.app.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error {
		c, _ := schema.DecodeNew([]byte(definition))
		return ch.Create(c)
	}))
	return g.app.Catalogue.Current().Find(c.Name)
}

// docs makes a collection with a text and a number, under one rule.
func (g *rig) docs(rule string) *schema.Collection {
	r, _ := json.Marshal(rule)
	return g.collection(fmt.Sprintf(`{"name":"docs","type":"base","fields":[{"name":"t","type":"text"},{"name":"n","type":"number"},
		{"name":"secret","type":"text","hidden":true},{"name":"owner","type":"text"}],"listRule":%s,"viewRule":%s}`, r, r))
}

func (g *rig) input(c *schema.Collection, body map[string]any) records.WriteInput {
	// Nobody signs in here: hashing takes longer than all the rest.
	plain, _ := body["password"].(string)
	return records.WriteInput{CollectionID: c.ID, Body: body, SkipRules: true, Hashed: schema.Password{Plain: plain, Hash: "hash of " + plain},
		Caller: records.Caller{Request: &filter.Request{Context: "default", Method: "POST"}}}
}

func (g *rig) create(c *schema.Collection, body map[string]any) *records.Record {
	g.t.Helper()
	cmd, err := g.app.Store.PrepareCreate(context.Background(), g.input(c, body))
	must(g.t, err)
	must(g.t, g.app.Writes.DoCommand(context.Background(), c, cmd, "test"))
	return cmd.Result
}

func (g *rig) update(r *records.Record, body map[string]any) *records.Record {
	g.t.Helper()
	cmd, err := g.app.Store.PrepareUpdate(context.Background(), r.ID(), g.input(r.Collection, body))
	must(g.t, err)
	must(g.t, g.app.Writes.DoCommand(context.Background(), r.Collection, cmd, "test"))
	return cmd.Result
}

func (g *rig) delete(r *records.Record) {
	g.t.Helper()
	cmd, err := g.app.Store.PrepareDelete(r.ID(), g.input(r.Collection, nil))
	must(g.t, err)
	must(g.t, g.app.Writes.DoCommand(context.Background(), r.Collection, cmd, "test"))
}

// event is a message as it was read.
type event struct{ id, name, data string }

// stream is the reading end of a client.
type stream struct {
	g    *rig
	conn net.Conn
	r    *bufio.Reader
	id   string
	ip   string
	line *bufio.Reader
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"

// pair returns the two ends of a connection.
func (g *rig) pair() (near, far net.Conn) {
	g.t.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := g.ln.Accept()
		if err == nil {
			accepted <- c
		}
	}()
	near, err := net.Dial("tcp", g.ln.Addr().String())
	must(g.t, err)
	return near, <-accepted
}

// open connects a client and reads its first message.
func (g *rig) open() *stream {
	g.t.Helper()
	near, far := g.pair()
	must(g.t, g.app.Realtime.Connect(far, realtime.Opening{Head: []byte(head), IP: "10.0.0.1", Client: "10.0.0.1"}))
	s := &stream{g: g, conn: near, r: bufio.NewReaderSize(near, 4096), ip: "10.0.0.1"}
	g.t.Cleanup(func() { near.Close() })
	near.SetReadDeadline(time.Now().Add(patience))
	var got string
	for !strings.HasSuffix(got, "\r\n\r\n") {
		line, err := s.r.ReadString('\n')
		must(g.t, err)
		got += line
	}
	if want := strings.TrimSuffix(head, "\r\n") + "Transfer-Encoding: chunked\r\n\r\n"; got != want {
		g.t.Fatalf("head %q, want %q", got, want)
	}
	s.line = bufio.NewReader(&chunks{r: s.r})
	e := s.next()
	if e.name != "PB_CONNECT" || len(e.id) != 40 || e.data != `{"clientId":"`+e.id+`"}` {
		g.t.Fatalf("first message %+v", e)
	}
	s.id = e.id
	return s
}

// chunks takes HTTP's chunked encoding apart.
type chunks struct {
	r    *bufio.Reader
	left int
	end  bool
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.end {
		return 0, io.EOF
	}
	if c.left == 0 {
		if _, err := fmt.Fscanf(c.r, "%x\r\n", &c.left); err != nil {
			return 0, err
		}
		if c.left == 0 {
			c.end = true
			return 0, io.EOF
		}
	}
	n, err := c.r.Read(p[:min(len(p), c.left)])
	if c.left -= n; c.left == 0 && err == nil {
		_, err = c.r.Discard(2)
	}
	return n, err
}

// read returns the next message, or the error that ended the stream. Comments are passed over.
func (s *stream) read() (e event, err error) {
	s.conn.SetReadDeadline(time.Now().Add(patience))
	for {
		line, err := s.line.ReadString('\n')
		if err != nil {
			return e, err
		}
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "" && e.name != "":
			return e, nil
		case strings.HasPrefix(line, "id:"):
			e.id = line[3:]
		case strings.HasPrefix(line, "event:"):
			e.name = line[6:]
		case strings.HasPrefix(line, "data:"):
			e.data = line[5:]
		}
	}
}

func (s *stream) next() event {
	s.g.t.Helper()
	e, err := s.read()
	if err != nil {
		s.g.t.Fatalf("read a message: %v", err)
	}
	return e
}

// subscribe replaces the topics.
func (s *stream) subscribe(who *filter.Identity, topics ...string) {
	s.g.t.Helper()
	must(s.g.t, s.g.app.Realtime.Subscribe(context.Background(), s.id, topics, who, s.ip, nil))
}

// told is what a message says of a record.
type told struct {
	Record map[string]any `json:"record"`
	Action string         `json:"action"`
}

func (e event) decode(t testing.TB) told {
	t.Helper()
	var m told
	if err := json.Unmarshal([]byte(e.data), &m); err != nil {
		t.Fatalf("data %q: %v", e.data, err)
	}
	return m
}

// only asserts that the next messages are these, as "event action t", and that nothing precedes a later mark.
func (s *stream) expect(want ...string) {
	s.g.t.Helper()
	for _, w := range want {
		e := s.next()
		m := e.decode(s.g.t)
		if got := fmt.Sprintf("%s %s %v", e.name, m.Action, m.Record["t"]); got != w {
			s.g.t.Fatalf("got %q, want %q (%s)", got, w, e.data)
		}
		if e.id != s.id {
			s.g.t.Fatalf("id %q of another client", e.id)
		}
	}
}
