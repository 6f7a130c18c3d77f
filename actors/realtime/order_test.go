package realtime_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// spoiled is a command that writes and fails then, so that what it wrote is rolled back: nothing there has that id.
func (g *rig) spoiled(c *schema.Collection, cmd records.Command) records.Command {
	fails, err := g.app.Store.PrepareDelete("nothing00000001", g.input(c, nil))
	must(g.t, err)
	return &records.Batch{Commands: []records.Command{cmd, fails}}
}

// numbered applies a command and notes the order of commits: units run in it.
func (g *rig) numbered(cmd records.Command, l *ledger) error {
	work := g.app.Store.Work(cmd, nil)
	return g.app.DB.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		err := work.Apply(tx)
		if err == nil {
			l.note(records.ResultOf(cmd))
		}
		return err
	}))
}

// ledger is what was written, in the order in which the Writer ran it.
type ledger struct {
	mu   sync.Mutex
	list []string
	at   map[string]int
}

// note keeps the last place of a record, since a unit may be run again.
func (l *ledger) note(r *records.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, fmt.Sprint(r.Get("t")))
	l.at[l.list[len(l.list)-1]] = len(l.list) - 1
}

// writeOrSpoil creates a record, or has that rolled back.
func (g *rig) writeOrSpoil(c *schema.Collection, text string, spoil bool, l *ledger) {
	cmd, err := g.app.Store.PrepareCreate(context.Background(), g.input(c, map[string]any{"t": text}))
	if err != nil {
		g.t.Error(err)
		return
	}
	if spoil {
		if err := g.app.Writes.DoCommand(context.Background(), c, g.spoiled(c, cmd), "w"); !errors.Is(err, records.ErrNotFound) {
			g.t.Errorf("a spoiled write: %v", err)
		}
		return
	}
	if err := g.numbered(cmd, l); err != nil {
		g.t.Error(err)
	}
}

// committed returns what was committed, in that order.
func (l *ledger) committed() []string {
	want := make([]string, 0, len(l.at))
	for i, text := range l.list {
		if l.at[text] == i {
			want = append(want, text)
		}
	}
	return want
}

// Law 11: eight writers on two collections, some of whose writes are rolled back, and fifty subscribers, each of whom hears exactly what
// was committed, in commit order across the collections, whether or not the database is asked about their messages.
func TestLaw11EachCommittedChangeOnceInOrder(t *testing.T) {
	const writers, each, subscribers = 8, 60, 50
	g := newRig(t)
	docs := g.docs("")
	notes := g.collection(`{"name":"notes","type":"base","fields":[{"name":"t","type":"text"}],"listRule":"@request.auth.id = ''"}`)
	streams := make([]*stream, subscribers)
	for i := range streams {
		streams[i] = g.open()
		topics := [2]string{"docs/*", "notes/*"}
		if i%3 == 1 {
			topics[i%2] += fmt.Sprintf(`?options={"query":{"filter":"t != 'x%d' && t !~ 'y'"}}`, i%5)
		}
		streams[i].subscribe(nil, topics[:]...)
	}
	l := &ledger{at: make(map[string]int)}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				c := docs
				if (w+i)%2 == 0 {
					c = notes
				}
				g.writeOrSpoil(c, fmt.Sprintf("%d.%d", w, i), i%3 == 2, l)
			}
		})
	}
	wg.Wait()
	want := l.committed()
	if len(want) != writers*each*2/3 {
		t.Fatalf("%d writes were acknowledged", len(want))
	}
	for n, s := range streams {
		for i, text := range want {
			if got := s.next().decode(t).Record["t"]; got != text {
				t.Fatalf("subscriber %d: message %d is about %v, want %s", n, i, got, text)
			}
		}
	}
	g.create(docs, map[string]any{"t": "last"})
	for n, s := range streams {
		if got := s.next().decode(t).Record["t"]; got != "last" {
			t.Errorf("subscriber %d: the last message is about %v", n, got)
		}
	}
}

// TestBatchIsToldAfterItsCommit: one that fails is not told at all.
func TestBatchIsToldAfterItsCommit(t *testing.T) {
	g := newRig(t)
	c := g.docs("")
	s := g.open()
	s.subscribe(nil, "docs/*")
	batch := func(texts ...string) *records.Batch {
		b := new(records.Batch)
		for _, text := range texts {
			cmd, err := g.app.Store.PrepareCreate(context.Background(), g.input(c, map[string]any{"t": text}))
			must(t, err)
			b.Commands = append(b.Commands, cmd)
		}
		return b
	}
	failing := batch("never")
	failing.Commands = append(failing.Commands, g.spoiled(c, failing.Commands[0]))
	if err := g.app.Writes.DoCommand(context.Background(), c, failing, "w"); err == nil {
		t.Error("the batch did not fail")
	}
	must(t, g.app.Writes.DoCommand(context.Background(), c, batch("1", "2", "3"), "w"))
	s.expect("docs/* create 1", "docs/* create 2", "docs/* create 3")
}

// TestJudgedAsItWas: a change is judged on the record as the change left it, whatever happened to it in the same group.
func TestJudgedAsItWas(t *testing.T) {
	g := newRig(t)
	ann := g.user("ann000000000001", "ann")
	for _, rule := range []string{`owner = @request.auth.id`, `owner = @request.auth.id && @collection.users.id ?= owner`} {
		if g.app.Catalogue.Current().Find("docs") == nil {
			g.docs(rule)
		}
		g.setRules("docs", &rule)
		c := g.app.Catalogue.Current().Find("docs")
		s := g.open()
		s.subscribe(ann.Identity(), "docs/*")
		s2 := g.open()
		s2.subscribe(ann.Identity(), `docs/*?options={"query":{"filter":"n = 1"}}`)
		create, err := g.app.Store.PrepareCreate(context.Background(), g.input(c, map[string]any{"t": "1", "n": 1, "owner": ann.ID()}))
		must(t, err)
		leave, err := g.app.Store.PrepareUpdate(context.Background(), create.ID(), lateInput(g, c, map[string]any{"n": 2, "owner": "else"}))
		must(t, err)
		back, err := g.app.Store.PrepareUpdate(context.Background(), create.ID(), lateInput(g, c, map[string]any{"t": "2", "owner": ann.ID()}))
		must(t, err)
		remove, err := g.app.Store.PrepareDelete(create.ID(), g.input(c, nil))
		must(t, err)
		must(t, g.app.Writes.DoCommand(context.Background(), c, &records.Batch{Commands: []records.Command{create, leave, back, remove}}, "w"))
		s.expect("docs/* create 1", "docs/* update 2", "docs/* delete 2")
		if m := s2.next().decode(t); m.Action != "create" {
			t.Errorf("the filter let %s through", m.Action)
		}
	}
}

func lateInput(g *rig, c *schema.Collection, body map[string]any) records.WriteInput {
	in := g.input(c, body)
	in.Late = true
	return in
}
