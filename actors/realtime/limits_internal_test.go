package realtime

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

func newBacklog() *backlog {
	b := new(backlog)
	b.less.L = &b.mu
	return b
}

// alone returns a client of a hub that was not started.
func alone(streams *budget.Share) *client {
	h := NewHub(Options{Streams: streams, Catalogue: func() *schema.Catalogue { return schema.NewCatalogue(1, nil) }})
	return &client{hub: h, id: newClientID(), account: "a"}
}

// held returns a message that n outboxes are going to hold.
func (c *client) held(event string, data []byte, n int32) *message {
	m := newMessage(event, data)
	c.hub.budget.take(m, m.bytes())
	m.refs.Store(n)
	return m
}

func TestOutboxKeepsOrderAndCountsWhatIsOwed(t *testing.T) {
	c := alone(nil)
	b := &c.hub.backlog
	one, two, three := newMessage("a", nil), newMessage("b", make([]byte, 3*weightUnit)), newMessage("c", nil)
	if got := c.put(one); got != wake {
		t.Errorf("the first message: %v", got)
	}
	if got := c.put(two, three); got != put {
		t.Errorf("while the actor is awake: %v", got)
	}
	if got := b.weight.Load(); got != 1+4+1 {
		t.Errorf("%d owed", got)
	}
	var want []byte
	for _, m := range []*message{one, two, three} {
		want = m.appendTo(append(make([]byte, 0, 1<<16), want...), c, 0)
	}
	var got []byte
	for more := true; more; {
		part := c.peek(make([]byte, 0, 100))
		got = append(got, part...)
		more, _ = c.sent(len(part))
	}
	if string(got) != string(want) || b.weight.Load() != 0 {
		t.Errorf("sent %d of %d bytes, %d owed", len(got), len(want), b.weight.Load())
	}
	if got := c.put(one); got != wake {
		t.Errorf("after the actor went to rest: %v", got)
	}
	c.finish(endMessage)
	c.put(two)
	rest := c.peek(make([]byte, 0, 1<<16))
	if _, last := c.sent(len(rest)); !last || !strings.HasSuffix(string(rest), "\r\n0\r\n\r\n") {
		t.Errorf("last %v after %q", last, rest)
	}
}

// A message that is still worked out holds up what comes after it in its outboxes, and nothing else.
func TestLaw11MessagesWaitForThoseBeforeThem(t *testing.T) {
	c := alone(nil)
	first, slot, nobodys, after := newMessage("first", nil), &message{slot: true}, &message{slot: true}, newMessage("after", nil)
	slot.state.Store(pending)
	nobodys.state.Store(pending)
	c.put(first, slot, nobodys, after)
	read := func() (names []string) {
		bytes := c.peek(make([]byte, 0, 1<<16))
		for _, line := range strings.Split(string(bytes), "\n") {
			if name, ok := strings.CutPrefix(line, "event:"); ok {
				names = append(names, name)
			}
		}
		if more, _ := c.sent(len(bytes)); more {
			t.Error("more is to be sent at once")
		}
		return names
	}
	if got := fmt.Sprint(read()); got != "[first]" {
		t.Errorf("sent %s before the slot", got)
	}
	nobodys.state.Store(void)
	if got := c.settled(); got != put {
		t.Errorf("something behind a pending message wakes the actor: %v", got)
	}
	slot.encode("slot", []byte("{}"))
	slot.state.Store(ready)
	if got := c.settled(); got != wake {
		t.Errorf("the actor is not told: %v", got)
	}
	if got := fmt.Sprint(read()); got != "[slot after]" {
		t.Errorf("sent %s", got)
	}
	if len(c.queue) != 0 || c.hub.backlog.weight.Load() != 0 {
		t.Errorf("%d left, %d owed", len(c.queue), c.hub.backlog.weight.Load())
	}
}

func TestStalledOutboxIsBoundedAndNotOwed(t *testing.T) {
	share := budget.New(1<<20).Share("streams", 100, 50)
	c := alone(share)
	b := &c.hub.backlog
	m := c.held("m", nil, maxStalled+10)
	c.put(m, m)
	c.stall()
	if b.weight.Load() != 0 {
		t.Errorf("a stalled client is owed %d", b.weight.Load())
	}
	n := 2
	for ; c.put(m) != full; n++ {
		if n > maxStalled {
			t.Fatal("no bound")
		}
	}
	if n != maxStalled || b.weight.Load() != 0 {
		t.Errorf("full at %d, %d owed", n, b.weight.Load())
	}
	if got := share.Usage().Used; got != m.charged+stalledSize+placeSize*maxStalled {
		t.Errorf("%d bytes are charged", got)
	}
	c.resume()
	if b.weight.Load() != maxStalled || share.Usage().Used != m.charged {
		t.Errorf("%d owed to a client that reads again, %d bytes charged", b.weight.Load(), share.Usage().Used)
	}
	c.shutDown()
	for range 10 - 1 { // the outbox that was full and those that never came
		m.release()
	}
	if c.put(m); b.weight.Load() != 0 || share.Usage().Used != 0 {
		t.Errorf("%d owed to a client that is gone, %d bytes charged", b.weight.Load(), share.Usage().Used)
	}
}

func TestBacklogHoldsBack(t *testing.T) {
	b := newBacklog()
	b.wait()
	b.add(maxBacklog + 2)
	passed := make(chan struct{})
	go func() {
		b.wait()
		close(passed)
	}()
	for b.waiting.Load() == 0 {
	}
	b.add(-1)
	select {
	case <-passed:
		t.Error("passed above the bound")
	default:
	}
	b.add(-1)
	<-passed
	b.add(maxBacklog)
	b.close()
	b.wait()
}

func TestMessageBytes(t *testing.T) {
	c := alone(nil)
	event := newMessage("a/*?b", []byte("{}"))
	want := fmt.Sprintf("id:%s\nevent:a/*?b\ndata:{}\n\n", c.id)
	for _, x := range []struct {
		plain bool
		m     *message
		want  string
	}{
		{false, event, fmt.Sprintf("%x\r\n%s\r\n", len(want), want)},
		{true, event, want},
		{false, commentMessage, "3\r\n:\n\n\r\n"},
		{true, commentMessage, ":\n\n"},
		{false, endMessage, "0\r\n\r\n"},
		{true, endMessage, ""},
	} {
		c.plain = x.plain
		if got := string(x.m.appendTo(make([]byte, 0, 200), c, 0)); got != x.want || x.m.length(c) != len(x.want) {
			t.Errorf("%q, length %d; want %q", got, x.m.length(c), x.want)
		}
		for at := range x.want {
			if got := string(x.m.appendTo(make([]byte, 0, 7), c, at)); got != x.want[at:min(at+7, len(x.want))] {
				t.Errorf("from %d on: %q", at, got)
			}
		}
	}
	if len(c.id) != clientIDLength || c.id == newClientID() {
		t.Errorf("id %q", c.id)
	}
}

func FuzzParseTopic(f *testing.F) {
	for _, s := range []string{"", "docs/*", "docs/*?options={}", `a/b?options={"query":{"a":1.5e300},"headers":{"X":null}}`, "?options=%", "a?b?c/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		top := parseTopic(s)
		if top.text != s || len(top.bucketKey) > len(s) || s[:len(top.bucketKey)] != top.bucketKey || top.work < 0 || top.size < int64(len(s)) {
			t.Errorf("%q: %+v", s, top)
		}
		req := top.request(nil, time.Time{})
		copied := new(filter.Snapshot)
		req.Source.CopyTo(copied)
		for _, from := range []filter.Source{req.Source, copied} {
			for _, p := range top.options.query {
				if got, ok := from.Query(p.name); !ok || got != p.value {
					t.Errorf("query %q: %q", p.name, got)
				}
			}
			for _, p := range top.options.headers {
				if got, ok := from.Header(p.name); !ok || got != p.value {
					t.Errorf("header %q: %q", p.name, got)
				}
			}
		}
	})
}
