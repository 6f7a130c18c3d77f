package records

import (
	"context"
	"errors"
	"testing"
)

// A create whose rule was not met when it was prepared, but is when it is applied, has no hash to store.
func TestCreateRefusesPasswordWithoutHash(t *testing.T) {
	g := newRig(t)
	body := map[string]any{"email": "a@x.test", "password": "12345678", "passwordConfirm": "12345678"}
	cmd := &Create{in: g.input("users", body)}
	if err := g.do(context.Background(), cmd); !errors.Is(err, errUnprepared) {
		t.Errorf("got %v, want %v", err, errUnprepared)
	}
	if n := g.totalOf("users"); n != 0 {
		t.Errorf("%d users were stored", n)
	}
}
