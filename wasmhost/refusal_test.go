package wasmhost

import (
	"context"
	"errors"
	"reflect"
	"testing"
)

// What refused a host call can be asked for and passed on, the very refusal that the host gave; what was no refusal cannot.
func TestPassOn(t *testing.T) {
	soldOut := &Rejection{Status: 409, Message: "Sold out.", Fields: map[string]FieldFailure{"qty": {Code: "sold_out", Message: "None left."}}, Cause: errors.New("the host's own")}
	tests := []struct {
		name   string
		err    error
		errno  Errno
		status int64
		want   error // what the call ends in; nil for its own answer
	}{
		{"a hook's no", soldOut, Failed, 409, soldOut},
		{"a no inside of an error", &Error{Errno: Forbidden, Message: "no", Refusal: &Rejection{Status: 403}}, Forbidden, 403, &Rejection{Status: 403}},
		{"not there", &Error{Errno: NotFound, Refusal: &Rejection{Status: 404}}, NotFound, 404, &Rejection{Status: 404}},
		{"no time", ErrBusy, Busy, 0, ErrBusy},
		{"no permission", &Error{Errno: Forbidden, Message: "no"}, Forbidden, 0, nil},
		{"a fault of the server's", errors.New("x"), Internal, 0, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			host := &FakeHost{OnCreate: func(context.Context, []byte) (Record, error) { return nil, test.err }}
			x, _ := OpenOne(t, host, nil, "puppet")
			create := func() (s Script) {
				posts, n := s.Put("posts")
				body, size := s.Put("{}")
				s.Call("create", 1, posts, n, body, size)
				s.Call("now") // what succeeds forgets nothing
				s.Call("error_status")
				return s
			}
			s := create()
			results, _, _ := s.play(t, x, nil)
			if results[0] != int64(test.errno) || results[2] != test.status {
				t.Errorf("%v", results)
			}
			s = create()
			s.Call("pass_on")
			r, err := x.Serve(context.Background(), 0, s.With(nil))
			if test.want == nil {
				if err != nil {
					t.Fatal(err)
				}
				if results, _ := s.answers(t, r.Body); results[3] != int64(Context) {
					t.Errorf("%v", results)
				}
				return
			}
			var no *Rejection
			if errors.As(test.want, &no) && !reflect.DeepEqual(err, test.want) || !errors.Is(err, test.want) && no == nil {
				t.Errorf("%v, not %v", err, test.want)
			}
			if s := x.Stats(); s.Failures != 0 {
				t.Errorf("blamed: %+v", s)
			}
		})
	}
}

// A guest that thinks better of it begins a no of its own: what it passed on belongs to others and is not changed.
func TestPassOnAndReject(t *testing.T) {
	passed := &Rejection{Status: 409, Message: "Sold out."}
	host := &FakeHost{OnCreate: func(context.Context, []byte) (Record, error) { return nil, passed }}
	x, _ := OpenOne(t, host, nil, "puppet")
	var s Script
	posts, n := s.Put("posts")
	body, size := s.Put("{}")
	s.Call("create", 1, posts, n, body, size)
	s.Call("pass_on")
	s.Call("reject_field", posts, n, posts, n, posts, n)
	s.Call("reject", 418, posts, n)
	_, err := x.Serve(context.Background(), 0, s.With(nil))
	var no *Rejection
	if !errors.As(err, &no) || no.Status != 418 || no.Message != "posts" || len(no.Fields) != 1 {
		t.Errorf("%v", err)
	}
	if passed.Status != 409 || passed.Message != "Sold out." || passed.Fields != nil {
		t.Errorf("it changed to %v", passed)
	}
}

// Without a failed host call there is nothing to pass on.
func TestPassOnNothing(t *testing.T) {
	x, _ := OpenOne(t, &FakeHost{}, nil, "puppet")
	var s Script
	s.Call("pass_on")
	s.Call("error_status")
	if results, _, _ := s.play(t, x, nil); results[0] != int64(Context) || results[1] != 0 {
		t.Errorf("%v", results)
	}
}
