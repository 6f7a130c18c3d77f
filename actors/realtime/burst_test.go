package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// follow reads messages until one about last comes, and returns what t said in all of them.
func (s *stream) follow(last string) (texts []string, err error) {
	for {
		e, err := s.read()
		if err != nil {
			return texts, err
		}
		text := fmt.Sprint(e.decode(s.g.t).Record["t"])
		if texts = append(texts, text); text == last {
			return texts, nil
		}
	}
}

// created is what a unit that made many records gives to the hub.
func created(c *schema.Collection, from, n int, pad string) (g sqlite.Group) {
	for i := range n {
		r := records.NewRecord(c)
		r.Set("id", fmt.Sprintf("rec%012d", from+i))
		r.Set("t", fmt.Sprint(from+i))
		r.Set("owner", pad)
		g.Changes = append(g.Changes, &records.Change{Action: records.Created, Collection: c, Record: r})
	}
	return g
}

// Law 11 under a flood: subscribers that keep up hear of everything that a unit with very many records did, in order, and what is kept
// for them meanwhile stays within its bounds.
func TestLaw11FloodIsToldInOrder(t *testing.T) {
	changes, subscribers := 30000, 8
	if raceDetector {
		changes, subscribers = 6000, 2 // readers that are ten times slower would pass for such that do not keep up
	}
	g := newRig(t)
	hub := g.app.Realtime
	streams := budget.New(4<<20).Share("streams", 100, 50)
	hub.Share(nil, streams)
	c := g.docs("")
	list := make([]*stream, subscribers)
	for i := range list {
		list[i] = g.open()
		list[i].subscribe(nil, "docs/*")
	}
	outcome := make(chan error, subscribers)
	for _, s := range list {
		go func() {
			texts, err := s.follow(fmt.Sprint(changes - 1))
			for i, text := range texts {
				if text != fmt.Sprint(i) {
					err = errors.Join(err, fmt.Errorf("message %d is about %s", i, text))
					break
				}
			}
			outcome <- err
		}()
	}
	hub.Committed(created(c, 0, changes, strings.Repeat("x", 200)))
	for left := subscribers; left > 0; {
		select {
		case err := <-outcome:
			left--
			if err != nil {
				t.Error(err)
			}
		case <-time.After(time.Millisecond):
			if owed := hub.Owed(); owed > int64(realtime.MaxBacklog+subscribers*realtime.MaxRun*2) {
				t.Fatalf("%d is owed", owed)
			}
			if u := streams.Usage(); u.Used > u.Limit {
				t.Fatalf("%d bytes are kept", u.Used)
			}
		}
	}
	eventually.True(t, "nothing is kept", func() bool {
		n, bytes := hub.UnderWay()
		return n == 0 && bytes == 0 && hub.Owed() == 0 && streams.Usage().Used == 0
	})
}

// Law 11: a collection whose changes take long to judge delays neither the events of others nor their writers; its own writers wait,
// and nobody loses anything or hears of it in another order.
func TestLaw11SlowJudgingDelaysNobodyElse(t *testing.T) {
	g := newRig(t)
	hub := g.app.Realtime
	slow := g.docs("")
	fast := g.collection(`{"name":"fast","type":"base","fields":[{"name":"t","type":"text"}],"listRule":""}`)
	filter := `docs/*?options={"query":{"filter":"n = 1"}}`
	judged, both, other := g.open(), g.open(), g.open()
	judged.subscribe(nil, filter)
	both.subscribe(nil, "fast", filter)
	other.subscribe(nil, "fast", "docs")
	release := hub.HoldJudges()
	n := 0
	for ; n <= realtime.MaxCollectionChanges; n++ {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		if n < realtime.MaxCollectionChanges {
			ctx = context.Background()
		}
		cmd, err := g.app.Store.PrepareCreate(ctx, g.input(slow, map[string]any{"t": fmt.Sprint("s", n), "n": 1}))
		must(t, err)
		err = g.app.Writes.DoCommand(ctx, slow, cmd, "w")
		cancel()
		if err != nil {
			if !errors.Is(err, sqlite.ErrNotWritten) || n < realtime.MaxCollectionChanges {
				t.Fatalf("write %d: %v", n, err)
			}
			break
		}
	}
	if n != realtime.MaxCollectionChanges {
		t.Errorf("%d writes did not wait for those who listen", n)
	}
	for i := range 3 {
		g.create(fast, map[string]any{"t": fmt.Sprint("f", i)})
	}
	texts, err := other.follow("f2")
	if must(t, err); len(texts) != n+3 {
		t.Errorf("who is not judged heard of %d changes", len(texts))
	}
	release()
	g.create(fast, map[string]any{"t": "end"})
	g.create(slow, map[string]any{"t": "end", "n": 1})
	texts, err = judged.follow("end")
	must(t, err)
	for i := range n {
		if texts[i] != fmt.Sprint("s", i) {
			t.Fatalf("message %d is about %s", i, texts[i])
		}
	}
	texts, err = both.follow("f0")
	if must(t, err); len(texts) != n+1 {
		t.Errorf("the others' event came after %d, not after all that were committed before it", len(texts)-1)
	}
}

// Law 13: when more was written than can be told, those whose filters hold it up are dropped, so that they know that there is something to
// fetch again. Who asks for nothing loses nothing.
func TestLaw13WhoHoldsThingsUpIsDropped(t *testing.T) {
	g := newRig(t)
	hub := g.app.Realtime
	c := g.docs("")
	costly, plain := g.open(), g.open()
	costly.subscribe(nil, `docs/*?options={"query":{"filter":"n = 0"}}`)
	plain.subscribe(nil, "docs/*")
	var wg sync.WaitGroup
	var texts []string
	var err error
	wg.Go(func() { texts, err = plain.follow("50") })
	release := hub.HoldJudges()
	defer release()
	hub.Committed(created(c, 0, 51, strings.Repeat("x", realtime.MaxUnderWay/50)))
	wg.Wait()
	if err != nil || len(texts) != 51 {
		t.Errorf("who asks for nothing heard of %d changes: %v", len(texts), err)
	}
	eventually.True(t, "who holds things up is dropped", func() bool { return hub.Len() == 1 })
	eventually.True(t, "nothing is under way", func() bool {
		release()
		n, bytes := hub.UnderWay()
		return n == 0 && bytes == 0
	})
}

// Nothing is left out silently: who cannot be told because something could not be judged is dropped.
func TestLaw11WhatCannotBeJudgedEndsTheStream(t *testing.T) {
	g := newRig(t)
	hub := g.app.Realtime
	c := g.docs("")
	judged, plain := g.open(), g.open()
	judged.subscribe(nil, `docs/*?options={"query":{"filter":"n = 0"}}`)
	plain.subscribe(nil, "docs/*")
	hub.FailJudging()
	g.create(c, map[string]any{"t": "x"})
	plain.expect("docs/* create x")
	eventually.True(t, "the stream ends", func() bool { return hub.Len() == 1 })
	if e, err := judged.read(); err == nil {
		t.Errorf("got %+v", e)
	}
}

// Law 13: the Writer takes no lock under which somebody subscribes or leaves.
func TestLaw13WriterTakesNoLockOfSubscribers(t *testing.T) {
	g := newRig(t)
	c := g.docs("t != '' && @collection.users.id ?!= ''")
	s := g.open()
	s.subscribe(nil, "docs/*")
	release := g.app.Realtime.Hold()
	done := make(chan struct{})
	go func() {
		defer close(done)
		r := g.create(c, map[string]any{"t": "x"})
		g.update(r, map[string]any{"t": "y"})
		g.delete(r)
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Error("a writer waits for the lock of the index")
	}
	release()
	<-done
}

// Law 13: clients that read nothing make the server keep no more than their share, however large the records are, and who reads hears of
// everything.
func TestLaw13SlowReadersAreBoundedInBytes(t *testing.T) {
	const writes = 60
	g := newRig(t)
	hub := g.app.Realtime
	streams := budget.New(2<<20).Share("streams", 100, 50)
	hub.Share(nil, streams)
	c := g.docs("")
	keen := g.open()
	keen.subscribe(nil, "docs/*")
	var lazy []*stream
	for range 10 {
		s := g.open()
		s.subscribe(nil, "docs/*")
		lazy = append(lazy, s)
	}
	outcome := make(chan error, 1)
	go func() {
		texts, err := keen.follow(fmt.Sprint(writes - 1))
		if len(texts) != writes {
			err = errors.Join(err, fmt.Errorf("heard of %d changes", len(texts)))
		}
		outcome <- err
	}()
	text := strings.Repeat("x", 300<<10)
	for i := range writes {
		hub.Committed(created(c, i, 1, text))
		if u := streams.Usage(); u.Used > u.Limit {
			t.Fatalf("%d bytes are kept for readers", u.Used)
		}
	}
	if err := <-outcome; err != nil {
		t.Fatal(err)
	}
	if n := hub.Len(); n == 1+len(lazy) {
		t.Error("nobody was dropped")
	}
	eventually.True(t, "only what waits for the slow is kept", func() bool { return streams.Usage().Used < 2<<20 })
}
