package httpx

import (
	"bytes"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/budget"
)

// TestLaw13_AnswersAreBounded sends answers that together are more than the share of one client, and of all.
func TestLaw13_AnswersAreBounded(t *testing.T) {
	share := budget.New(16<<20).Share("rows", 100, 50)
	asked := 0
	w := start(t, []*Route{
		{Method: "GET", Path: "/small", Handler: func(c *Context) error { return c.Send(200, bytes.Repeat([]byte{'1'}, freeAnswer-1)) }},
		{Method: "GET", Path: "/large", Handler: func(c *Context) error {
			defer func() { asked = int(share.Usage().Used) }()
			return c.Send(200, bytes.Repeat([]byte{'1'}, 5<<20))
		}},
		{Method: "GET", Path: "/grows", Handler: func(c *Context) error {
			for n := 0; ; n += 100_000 {
				if err := c.Room(n); err != nil {
					asked = n
					return err
				}
			}
		}},
	}, func(o *Options) { o.Answers = share })
	idle := func() {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); share.Usage().Used != 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d bytes are charged for answers that were sent", share.Usage().Used)
			}
		}
	}
	for range 3 {
		if got := w.get("GET", "/small"); got.StatusCode != 200 || len(got.body) != freeAnswer || share.Usage().Used != 0 {
			t.Errorf("small: %d, %d bytes, %d charged", got.StatusCode, len(got.body), share.Usage().Used)
		}
		if got := w.get("GET", "/large"); got.StatusCode != 200 || len(got.body) != 5<<20+1 || asked != 6<<20 {
			t.Errorf("large: %d, %d bytes, %d charged", got.StatusCode, len(got.body), asked)
		}
		idle()
		if got := w.get("HEAD", "/large"); got.StatusCode != 200 && got.StatusCode != 404 {
			t.Errorf("HEAD: %d", got.StatusCode)
		}
		idle()
	}
	whole := w.get("GET", "/grows")
	if whole.StatusCode/100 == 2 || asked > 16<<20+100_000 || asked < 7<<20 || whole.Header.Get("Retry-After") == "" {
		t.Errorf("an answer without an end: %d after %d bytes, %v", whole.StatusCode, asked, whole.Header)
	}
	idle()
	if err := share.Take("somebody else", 8<<20); err != nil {
		t.Fatal(err)
	}
	if err := share.Take("and another", 4<<20); err != nil {
		t.Fatal(err)
	}
	if got := w.get("GET", "/large"); got.StatusCode != 503 && got.StatusCode != 429 || got.Header.Get("Retry-After") == "" {
		t.Errorf("without room: %d %v", got.StatusCode, got.Header)
	}
	if got := w.get("GET", "/small"); got.StatusCode != 200 {
		t.Errorf("a small one without room: %d", got.StatusCode)
	}
}

func TestAnswerRefused(t *testing.T) {
	share := budget.New(100).Share("rows", 100, 50)
	e := AsError(answerRefused(share.Take("a", 60)))
	if e.Status != 429 || e.RetryAfter == 0 {
		t.Errorf("a client's own part: %+v", e)
	}
	if e = AsError(answerRefused(share.Take("", 110))); e.Status != 503 || e.RetryAfter == 0 {
		t.Errorf("all: %+v", e)
	}
}
