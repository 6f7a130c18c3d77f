package wasmhost_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/wasmhost"
)

func TestBeforeAndAfter(t *testing.T) {
	x, _ := wasmhost.OpenOne(t, &wasmhost.FakeHost{}, nil, "bench")
	r := wasmhost.NewFakeRecord("posts", "title", `"a b c"`)
	c := &wasmhost.Call{Record: r}
	ctx := context.Background()
	state, err := x.Before(ctx, 1, c)
	if err != nil || string(state) != "a-b-c" || r.Fields["slug"] != `"a-b-c"` {
		t.Fatalf("%q, %v, %v", state, err, r.Fields)
	}
	if err := x.After(ctx, 1, c, state); err != nil || r.Fields["state"] != `"a-b-c"` {
		t.Fatalf("%v, %v", err, r.Fields)
	}
	if state, err := x.Before(ctx, 0, c); err != nil || state != nil {
		t.Fatalf("%q, %v", state, err)
	}
	if s := x.Stats(); s.Calls != 3 || s.Failures != 0 || s.Instances != 1 || s.Idle != 1 || s.Total <= 0 {
		t.Fatalf("%+v", s)
	}
}

func TestServe(t *testing.T) {
	x, _ := wasmhost.OpenOne(t, &wasmhost.FakeHost{}, nil, "bench")
	r, err := x.Serve(context.Background(), 0, &wasmhost.Call{Request: &wasmhost.FakeRequest{Params: map[string]string{"name": "you"}}})
	if err != nil || r.Status != 200 || r.ContentType != "application/json" || string(r.Body) != `{"hello":"you"}` {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestDescription(t *testing.T) {
	x, _ := wasmhost.OpenOne(t, &wasmhost.FakeHost{}, nil, "puppet")
	hooks, routes := x.Hooks(), x.Routes()
	if x.Name() != "puppet" || x.Version() != "1" || x.File() != "puppet.wasm" || len(hooks) != 1 || len(routes) != 1 {
		t.Fatalf("%v", x)
	}
	if h := hooks[0]; h.Event != "record.create" || !h.Before || !h.After || h.Priority != 0 {
		t.Errorf("%+v", h)
	}
	if routes[0] != (wasmhost.RouteSpec{Method: "POST", Path: "/puppet"}) {
		t.Errorf("%+v", routes[0])
	}
	if p := x.Permissions(); !p.SQL || len(p.Collections) != 2 {
		t.Errorf("%+v", p)
	}
}

func TestPermits(t *testing.T) {
	x, _ := wasmhost.OpenOne(t, &wasmhost.FakeHost{}, nil, "hostile") // "*"
	for name, want := range map[string]bool{"posts": true, "_secret": false} {
		if x.Permits(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestPositionsThatAreNone(t *testing.T) {
	x, _ := wasmhost.OpenOne(t, &wasmhost.FakeHost{}, nil, "bench")
	for _, n := range []int{-1, 2} {
		if _, err := x.Before(context.Background(), n, nil); err == nil {
			t.Error("before", n)
		}
		if err := x.After(context.Background(), n, nil, nil); err == nil {
			t.Error("after", n)
		}
		if _, err := x.Serve(context.Background(), n, nil); err == nil {
			t.Error("serve", n)
		}
	}
	if err := x.After(context.Background(), 0, nil, make([]byte, wasmhost.MaxState+1)); err == nil {
		t.Error("too much state")
	}
}

func TestReject(t *testing.T) {
	x, _ := wasmhost.OpenOne(t, &wasmhost.FakeHost{}, nil, "puppet")
	var s wasmhost.Script
	message, n := s.Put("not like this")
	s.Call("reject", 409, message, n)
	field, fn := s.Put("title")
	code, cn := s.Put("validation_x")
	s.Call("reject_field", field, fn, code, cn, message, n)
	_, err := x.Before(context.Background(), 0, s.With(nil))
	var no *wasmhost.Rejection
	if !errors.As(err, &no) || no.Status != 409 || no.Message != "not like this" || no.Fields["title"] != (wasmhost.FieldFailure{"validation_x", "not like this"}) {
		t.Fatalf("%+v", err)
	}
	if s := x.Stats(); s.Rejected != 1 || s.Failures != 0 {
		t.Fatalf("%+v", s)
	}
	var fields wasmhost.Script
	field, fn = fields.Put("title")
	fields.Call("reject_field", field, fn, 0, 0, 0, 0)
	if _, err = x.Serve(context.Background(), 0, fields.With(nil)); !errors.As(err, &no) || no.Status != 400 {
		t.Fatalf("%+v", err)
	}
}

// A host that panics takes nobody along, and the guest is not to blame.
func TestPanicInTheHost(t *testing.T) {
	host := &wasmhost.FakeHost{OnFind: func(context.Context, string) (wasmhost.Record, error) { panic("the host is out of order") }}
	x, log := wasmhost.OpenOne(t, host, nil, "puppet")
	r := wasmhost.NewFakeRecord("posts")
	r.Panics = true
	for _, name := range []string{"record_text", "find"} {
		var s wasmhost.Script
		coll, n := s.Put("posts")
		if name == "find" {
			s.Call("find", 1, coll, n, coll, n)
		} else {
			s.Call("record_text", 1, coll, n, coll, n)
		}
		for range wasmhost.FailuresInARow + 1 {
			var f *wasmhost.Fault
			if _, err := x.Before(context.Background(), 0, s.With(&wasmhost.Call{Record: r})); !errors.As(err, &f) || f.Kind != wasmhost.Panicked {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	if s := x.Stats(); s.Suspended != 0 || s.Instances != 0 || s.Failures == 0 {
		t.Fatalf("%+v", s)
	}
	if log := log.String(); !strings.Contains(log, "out of order") {
		t.Error(log)
	}
}
