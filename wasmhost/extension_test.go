package wasmhost

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestBeforeAndAfter(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "bench")
	r := newRecord("posts", "title", `"a b c"`)
	c := &Call{Record: r}
	ctx := context.Background()
	state, err := x.Before(ctx, 1, c)
	if err != nil || string(state) != "a-b-c" || r.fields["slug"] != `"a-b-c"` {
		t.Fatalf("%q, %v, %v", state, err, r.fields)
	}
	if err := x.After(ctx, 1, c, state); err != nil || r.fields["state"] != `"a-b-c"` {
		t.Fatalf("%v, %v", err, r.fields)
	}
	if state, err := x.Before(ctx, 0, c); err != nil || state != nil {
		t.Fatalf("%q, %v", state, err)
	}
	if s := x.Stats(); s.Calls != 3 || s.Failures != 0 || s.Instances != 1 || s.Idle != 1 || s.Total <= 0 {
		t.Fatalf("%+v", s)
	}
}

func TestServe(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "bench")
	r, err := x.Serve(context.Background(), 0, &Call{Request: &fakeRequest{params: map[string]string{"name": "you"}}})
	if err != nil || r.Status != 200 || r.ContentType != "application/json" || string(r.Body) != `{"hello":"you"}` {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestDescription(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	hooks, routes := x.Hooks(), x.Routes()
	if x.Name() != "puppet" || x.Version() != "1" || x.File() != "puppet.wasm" || len(hooks) != 1 || len(routes) != 1 {
		t.Fatalf("%v", x.description)
	}
	if h := hooks[0]; h.Event != "record.create" || !h.Before || !h.After || h.Priority != 0 {
		t.Errorf("%+v", h)
	}
	if routes[0] != (RouteSpec{Method: "POST", Path: "/puppet"}) {
		t.Errorf("%+v", routes[0])
	}
	if p := x.Permissions(); !p.SQL || len(p.Collections) != 2 {
		t.Errorf("%+v", p)
	}
}

func TestPermits(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "hostile") // "*"
	for name, want := range map[string]bool{"posts": true, "_secret": false} {
		if x.Permits(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestPositionsThatAreNone(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "bench")
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
	if err := x.After(context.Background(), 0, nil, make([]byte, maxState+1)); err == nil {
		t.Error("too much state")
	}
}

func TestReject(t *testing.T) {
	x, _ := one(t, &fakeHost{}, nil, "puppet")
	var s script
	message, n := s.put("not like this")
	s.call("reject", 409, message, n)
	field, fn := s.put("title")
	code, cn := s.put("validation_x")
	s.call("reject_field", field, fn, code, cn, message, n)
	_, err := x.Before(context.Background(), 0, s.with(nil))
	var no *Rejection
	if !errors.As(err, &no) || no.Status != 409 || no.Message != "not like this" || no.Fields["title"] != (FieldFailure{"validation_x", "not like this"}) {
		t.Fatalf("%+v", err)
	}
	if s := x.Stats(); s.Rejected != 1 || s.Failures != 0 {
		t.Fatalf("%+v", s)
	}
	var fields script
	field, fn = fields.put("title")
	fields.call("reject_field", field, fn, 0, 0, 0, 0)
	if _, err = x.Serve(context.Background(), 0, fields.with(nil)); !errors.As(err, &no) || no.Status != 400 {
		t.Fatalf("%+v", err)
	}
}

// A host that panics takes nobody along, and the guest is not to blame.
func TestPanicInTheHost(t *testing.T) {
	host := &fakeHost{find: func(context.Context, string) (Record, error) { panic("the host is out of order") }}
	x, log := one(t, host, nil, "puppet")
	r := newRecord("posts")
	r.panics = true
	for _, name := range []string{"record_text", "find"} {
		var s script
		coll, n := s.put("posts")
		if name == "find" {
			s.call("find", 1, coll, n, coll, n)
		} else {
			s.call("record_text", 1, coll, n, coll, n)
		}
		for range failuresInARow + 1 {
			var f *Fault
			if _, err := x.Before(context.Background(), 0, s.with(&Call{Record: r})); !errors.As(err, &f) || f.Kind != Panicked {
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
