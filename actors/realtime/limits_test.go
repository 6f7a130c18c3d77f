package realtime

import (
	"fmt"
	"testing"
	"time"
)

func newDebt() *debt {
	d := new(debt)
	d.less.L = &d.mu
	return d
}

func TestOutboxKeepsOrderAndCountsWhatIsOwed(t *testing.T) {
	d := newDebt()
	var o outbox
	a, b, c := newMessage("a", nil), newMessage("b", make([]byte, 3*weightUnit)), newMessage("c", nil)
	if got := o.put(d, a); got != wake {
		t.Errorf("the first message: %v", got)
	}
	if got := o.put(d, b, c); got != put {
		t.Errorf("while the actor is awake: %v", got)
	}
	if got := d.owed.Load(); got != 1+4+1 {
		t.Errorf("%d owed", got)
	}
	list, last := o.take(d, nil)
	if len(list) != 3 || list[0] != a || list[1] != b || list[2] != c || last || d.owed.Load() != 0 {
		t.Errorf("took %d, last %v, %d owed", len(list), last, d.owed.Load())
	}
	if got := o.put(d, a); got != put {
		t.Errorf("before the actor rests: %v", got)
	}
	o.take(d, nil)
	if list, _ = o.take(d, nil); len(list) != 0 {
		t.Error("took what is not there")
	}
	if got := o.finish(d, endMessage); got != wake {
		t.Errorf("after the actor went to rest: %v", got)
	}
	o.put(d, a)
	if list, last = o.take(d, nil); len(list) != 1 || !last {
		t.Errorf("took %d, last %v", len(list), last)
	}
}

func TestStalledOutboxIsBoundedAndNotOwed(t *testing.T) {
	d := newDebt()
	var o outbox
	m := newMessage("m", nil)
	o.put(d, m, m)
	o.stall(d)
	if d.owed.Load() != 0 {
		t.Errorf("a stalled client is owed %d", d.owed.Load())
	}
	n := 2
	for ; o.put(d, m) != full; n++ {
		if n > maxStalled {
			t.Fatal("no bound")
		}
	}
	if n != maxStalled || d.owed.Load() != 0 {
		t.Errorf("full at %d, %d owed", n, d.owed.Load())
	}
	o.resume(d)
	if d.owed.Load() != maxStalled {
		t.Errorf("%d owed to a client that reads again", d.owed.Load())
	}
	o.close(d)
	if o.put(d, m); d.owed.Load() != 0 {
		t.Errorf("%d owed to a client that is gone", d.owed.Load())
	}
}

func TestDebtHoldsBack(t *testing.T) {
	d := newDebt()
	d.wait()
	d.add(maxOwed + 2)
	passed := make(chan struct{})
	go func() {
		d.wait()
		close(passed)
	}()
	for d.waiting.Load() == 0 {
	}
	d.add(-1)
	select {
	case <-passed:
		t.Error("passed above the bound")
	default:
	}
	d.add(-1)
	<-passed
	d.add(maxOwed)
	d.close()
	d.wait()
}

func TestMessageBytes(t *testing.T) {
	id := newClientID()
	want := fmt.Sprintf("id:%s\nevent:a/*?b\ndata:{}\n\n", id)
	got := string(newMessage("a/*?b", []byte("{}")).appendTo(nil, id))
	if got != fmt.Sprintf("%x\r\n%s\r\n", len(want), want) {
		t.Errorf("%q", got)
	}
	if len(id) != clientIDLength || id == newClientID() {
		t.Errorf("id %q", id)
	}
}

func FuzzParseTopic(f *testing.F) {
	for _, s := range []string{"", "docs/*", "docs/*?options={}", `a/b?options={"query":{"a":1.5e300},"headers":{"X":null}}`, "?options=%", "a?b?c/*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		top := parseTopic(s)
		if top.text != s || len(top.base) > len(s) || s[:len(top.base)] != top.base {
			t.Errorf("%q: %+v", s, top)
		}
		req := top.request(nil, time.Time{})
		if req.Query != nil {
			for name, want := range top.options.query {
				if got, ok := req.Query(name); !ok || got != want {
					t.Errorf("query %q: %q", name, got)
				}
			}
		}
	})
}
