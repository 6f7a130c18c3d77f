package realtime

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// idleHub returns a hub that is not started, with a listener on each of two collections.
func idleHub(t *testing.T) (h *Hub, a, b *schema.Collection) {
	t.Helper()
	decode := func(name string) *schema.Collection {
		c, err := schema.DecodeNew([]byte(`{"id":"` + name + `0000000000001","name":"` + name + `","type":"base","fields":[{"name":"t","type":"text"}],"listRule":""}`))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b = decode("aa"), decode("bb")
	h = NewHub(Options{Catalogue: func() *schema.Catalogue { return schema.NewCatalogue(1, []*schema.Collection{a, b}) }})
	h.index.enriches = func(*schema.Collection, string) bool { return false }
	c := &client{hub: h, id: newClientID()}
	h.clients.Add(1)
	if err := h.index.subscribe(c, parseTopics([]string{"aa", "bb"}), nil); err != nil {
		t.Fatal(err)
	}
	return h, a, b
}

// committed counts changes of a collection as under way.
func (h *Hub) committed(c *schema.Collection, n int, text string) *batch {
	b := &batch{entries: make([]entry, 0, n)}
	for range n {
		r := records.NewRecord(c)
		r.Set("t", text)
		b.entries = append(b.entries, entry{change: &records.Change{Action: records.Created, Collection: c, Record: r}})
	}
	h.pressure.add(b)
	return b
}

func (h *Hub) over(b *batch) {
	for i := range b.entries {
		h.pressure.remove(b.entries[i].cost)
	}
}

func (h *Hub) refused(c *schema.Collection) bool {
	leave, err := h.Admit(context.Background(), c, time.Now())
	leave.Done()
	return errors.Is(err, sqlite.ErrNotWritten)
}

// Laws 11 and 13: what is under way of a collection is bounded, in number, bytes, work and pinned snapshots; its own writers wait beyond
// and nobody else's.
func TestLaw13WritersWaitForTheirOwnSubscribers(t *testing.T) {
	for name, fill := range map[string]func(h *Hub, c *schema.Collection) (undo func()){
		"number": func(h *Hub, c *schema.Collection) func() {
			b := h.committed(c, maxCollectionChanges, "")
			return func() { h.over(b) }
		},
		"bytes": func(h *Hub, c *schema.Collection) func() {
			b := h.committed(c, 1, strings.Repeat("x", maxCollectionBytes))
			return func() { h.over(b) }
		},
		"work": func(h *Hub, c *schema.Collection) func() {
			b := h.committed(c, 1, "")
			h.pressure.known(&b.entries[0], maxCollectionWork)
			return func() { h.over(b) }
		},
		"pins": func(h *Hub, c *schema.Collection) func() {
			b := h.committed(c, 1, "")
			h.pressure.pinned(h.pressure.load(c.ID), maxCollectionPins)
			return func() { h.pressure.pinned(h.pressure.load(c.ID), -maxCollectionPins); h.over(b) }
		},
		"admitted": func(h *Hub, c *schema.Collection) func() {
			var list []Admission
			for range maxCollectionChanges {
				leave, err := h.Admit(context.Background(), c, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, leave)
			}
			return func() {
				for _, leave := range list {
					leave.Done()
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) { waitsAlone(t, fill) })
	}
}

// waitsAlone fills what may be under way of one collection: its writers wait until that is undone, those of another do not.
func waitsAlone(t *testing.T, fill func(h *Hub, c *schema.Collection) (undo func())) {
	h, a, b := idleHub(t)
	if h.refused(a) {
		t.Fatal("refused while nothing is under way")
	}
	undo := fill(h, a)
	if !h.refused(a) {
		t.Fatal("a writer of the collection does not wait")
	}
	if h.refused(b) {
		t.Error("a writer of another collection waits")
	}
	admitted := make(chan error)
	go func() {
		leave, err := h.Admit(context.Background(), a, time.Now().Add(time.Minute))
		leave.Done()
		admitted <- err
	}()
	for waiting := 0; waiting == 0; {
		h.pressure.mu.Lock()
		waiting = len(h.pressure.load(a.ID).waiting)
		h.pressure.mu.Unlock()
	}
	undo()
	if err := <-admitted; err != nil {
		t.Errorf("who waited: %v", err)
	}
	if h.refused(a) {
		t.Error("refused although nothing is under way any more")
	}
	l := h.pressure.load(a.ID)
	if l.changes != 0 || l.bytes != 0 || l.work != 0 || l.held != 0 || l.reserve != 0 || l.pins != 0 || len(l.waiting) != 0 {
		t.Errorf("left behind: %+v", *l)
	}
}

// Nobody waits where nobody listens.
func TestWritesWithoutListenersAreNotCounted(t *testing.T) {
	h, _, _ := idleHub(t)
	c, err := schema.DecodeNew([]byte(`{"name":"cc","type":"base","fields":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	if leave, err := h.Admit(context.Background(), c, time.Now()); err != nil || leave.l != nil {
		t.Errorf("%+v, %v", leave, err)
	}
}

// Law 13: the Writer waits only while more is under way than is meant for all collections.
func TestLaw13WriterWaitsBeyondTheBoundOfAll(t *testing.T) {
	h, a, b := idleHub(t)
	one := h.committed(a, 1, strings.Repeat("x", maxUnderWay/2))
	if h.pressure.untilFits() != nil {
		t.Error("the Writer waits below the bound")
	}
	two := h.committed(b, 1, strings.Repeat("x", maxUnderWay/2))
	fits := h.pressure.untilFits()
	if fits == nil {
		t.Fatal("the Writer does not wait beyond the bound")
	}
	if h.pressure.untilLittle() == nil {
		t.Error("who writes much does not wait")
	}
	h.over(one)
	<-fits
	h.over(two)
	if h.pressure.untilLittle() != nil || h.pressure.untilIdle() != nil {
		t.Error("nothing is under way")
	}
}

// Law 13: who does not keep up is told apart by what the connection takes. Who takes enough is waited for, who takes little is owed little
// and charged, who takes nothing is dropped.
func TestLaw13WhoKeepsUp(t *testing.T) {
	c := alone(nil)
	h := c.hub
	c.put(newMessage("m", nil))
	h.slow.add(c)
	passed, all := int32(0), 3
	look := func(seconds int32) (dropped, stalled bool) {
		passed += seconds + 1 // of which the first may not have been a whole one
		h.ahead.Store(int64(passed) * int64(time.Second))
		dropped = len(h.slow.look(h.seconds(), all)) > 0
		_, stalled = c.owed()
		return dropped, stalled
	}
	for i, step := range []struct {
		bytes            int
		seconds          int32
		dropped, stalled bool
	}{
		{minPace, 1, false, false},
		{minPace - 1, 1, false, true},
		{2 * minPace, 2, false, false},
		{0, 1, false, true},
		{1, silenceLimit - 4, false, true},
		{0, 1, false, true},
		{0, 1, true, true},
	} {
		h.slow.took(c, step.bytes)
		if dropped, stalled := look(step.seconds); dropped != step.dropped || stalled != step.stalled {
			t.Errorf("step %d: dropped %v, stalled %v", i, dropped, stalled)
		}
	}
	all = 1 // everybody is late
	for i, step := range []struct {
		bytes   int
		stalled bool
	}{{leastPace, false}, {leastPace - 1, true}, {leastPace, false}} {
		h.slow.took(c, step.bytes)
		if dropped, stalled := look(1); dropped || stalled != step.stalled {
			t.Errorf("step %d beside nobody: dropped %v, stalled %v", i, dropped, stalled)
		}
	}
	h.slow.remove(c)
	if _, stalled := c.owed(); stalled || h.backlog.weight.Load() == 0 {
		t.Error("who took everything does not keep up")
	}
}

// Law 13: the time that judging for one stream takes is bounded where its topics turn out to ask for more than was thought; ordinary
// messages and the operator's rules are charged to nobody.
func TestLaw13TimeOfHeavyMessagesIsBounded(t *testing.T) {
	h, a, _ := idleHub(t)
	h.opts.Logger = slog.New(slog.DiscardHandler)
	var err error
	if h.watch, err = newWatcher(func(*client) {}, func(func()) {}); err != nil {
		t.Fatal(err)
	}
	defer h.watch.close()
	near, far := net.Pipe()
	defer near.Close()
	asks := func(text string) *job {
		c := &client{hub: h, id: newClientID(), conn: far}
		topic := parseTopic(text)
		return &job{entry: &h.committed(a, 1, "").entries[0], to: &recipients{topic: topic, members: []*client{c}}}
	}
	heavy, ruled := asks(`aa?options={"query":{"expand":"b_via_a"}}`), asks("aa")
	for range 2 * heavyLimit / heavyMessage {
		h.chargeTime(heavy, heavyMessage-1)
		h.chargeTime(ruled, heavyMessage)
	}
	if heavy.to.members[0].gone.Load() || ruled.to.members[0].gone.Load() {
		t.Error("somebody was dropped for ordinary messages, or for the operator's rule")
	}
	n := 0
	for ; !heavy.to.members[0].gone.Load() && n < 1000; n++ {
		h.chargeTime(heavy, heavyMessage)
	}
	if want := int(heavyLimit/heavyMessage) + 1; n != want {
		t.Errorf("dropped after %d heavy messages, want %d", n, want)
	}
}
