package records_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/validation"
)

// authCheck is what a body of an auth record must hold and may change, by who sends it.
type authCheck struct {
	name   string
	who    string // self, boss (the manager) or super
	create bool
	body   map[string]any
	want   map[string]string
}

func authChecks() []authCheck {
	type body = map[string]any
	const (
		required = "validation_required"
		mismatch = "validation_values_mismatch"
		wrongOld = "validation_invalid_old_password"
	)
	new2 := body{"password": "abcdefgh", "passwordConfirm": "abcdefgh"}
	with := func(b body, more ...any) body {
		b = maps.Clone(b)
		for i := 0; i < len(more); i += 2 {
			b[more[i].(string)] = more[i+1]
		}
		return b
	}
	return []authCheck{
		{"create", "self", true, with(new2, "email", "n@x.test"), nil},
		{"create with nothing", "self", true, nil, map[string]string{"password": required, "passwordConfirm": required}},
		{"create unconfirmed", "self", true, body{"password": "abcdefgh"}, map[string]string{"passwordConfirm": required}},
		{"create confirmed wrongly", "self", true, with(new2, "passwordConfirm", "x"), map[string]string{"passwordConfirm": mismatch}},
		{"create confirmed wrongly as superuser", "super", true, with(new2, "passwordConfirm", "x"), map[string]string{"passwordConfirm": mismatch}},
		{"create verified", "self", true, with(new2, "email", "n@x.test", "verified", true), map[string]string{"verified": mismatch}},
		{"create verified as manager", "boss", true, with(new2, "email", "n@x.test", "name", "managed", "verified", true), nil},
		{"create verified as superuser", "super", true, with(new2, "email", "n@x.test", "verified", true), nil},
		{"name", "self", false, body{"name": "managed2"}, nil},
		{"email", "self", false, body{"email": "n@x.test"}, map[string]string{"email": mismatch}},
		{"same email", "self", false, body{"email": "managed@x.test"}, nil},
		{"email as manager", "boss", false, body{"email": "n@x.test"}, nil},
		{"email as superuser", "super", false, body{"email": "n@x.test"}, nil},
		{"verified", "self", false, body{"verified": true}, map[string]string{"verified": mismatch}},
		{"verified as manager", "boss", false, body{"verified": true}, nil},
		{"verified as superuser", "super", false, body{"verified": true}, nil},
		{"visibility", "self", false, body{"emailVisibility": true}, nil},
		{"empty password", "self", false, body{"password": ""}, map[string]string{"password": required}},
		{"null password as superuser", "super", false, body{"password": nil}, map[string]string{"password": required}},
		{"only confirmed", "self", false, body{"passwordConfirm": "x"}, map[string]string{"password": required, "passwordConfirm": mismatch, "oldPassword": required}},
		{"only old", "self", false, body{"oldPassword": "12345678"}, map[string]string{"password": required, "passwordConfirm": required}},
		{"no old", "self", false, new2, map[string]string{"oldPassword": required}},
		{"wrong old", "self", false, with(new2, "oldPassword", "x"), map[string]string{"oldPassword": wrongOld}},
		{"right old", "self", false, with(new2, "oldPassword", "12345678"), nil},
		{"no old as manager", "boss", false, new2, nil},
		{"no old as superuser", "super", false, new2, nil},
		{"unconfirmed as superuser", "super", false, body{"password": "abcdefgh"}, map[string]string{"passwordConfirm": required}},
		{"checks come before values", "self", false, body{"email": "no", "name": 1.0}, map[string]string{"email": mismatch}},
	}
}

func TestChecksOfAuthRecords(t *testing.T) {
	for _, tt := range authChecks() {
		t.Run(tt.name, func(t *testing.T) {
			g := newRig(t, `{"type":"auth","name":"members","createRule":"","updateRule":"","manageRule":"name = 'managed' && @request.auth.name = 'boss'","fields":[{"type":"text","name":"name"}]}`)
			for id, name := range map[string]string{ann: "managed", bob: "boss"} {
				g.create("members", map[string]any{"id": id, "name": name, "email": name + "@x.test", "password": "12345678", "passwordConfirm": "12345678"})
			}
			in := g.input("members", tt.body)
			in.Caller = records.Caller{Request: &filter.Request{Context: "default", Now: time.Now()}, Superuser: tt.who == "super"}
			if id := map[string]string{"self": ann, "boss": bob}[tt.who]; id != "" {
				in.Caller.Request.Auth = g.load("members", id).Identity()
			}
			err := g.write(ann, in, tt.create)
			got := map[string]string{}
			var fields validation.Errors
			if errors.As(err, &fields) {
				for name, e := range fields {
					var leaf *validation.Error
					if errors.As(e, &leaf) {
						got[name] = leaf.Code
					}
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("failures %v, want %v", got, tt.want)
			}
		})
	}
}

// write creates a record, or updates the one with that id.
func (g *rig) write(id string, in records.WriteInput, create bool) error {
	var cmd records.Command
	var err error
	if create {
		cmd, err = g.store.PrepareCreate(g.t.Context(), in)
	} else {
		cmd, err = g.store.PrepareUpdate(g.t.Context(), id, in)
	}
	if err != nil {
		return err
	}
	return g.do(g.t.Context(), cmd)
}
