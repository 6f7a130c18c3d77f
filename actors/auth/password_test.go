package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/troupebase/troupe/actors/auth"
)

func TestPasswords(t *testing.T) {
	p := auth.NewPasswords()
	hash, err := p.Hash(t.Context(), strings.Repeat("ä", 36), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$2a$04$") || len(hash) != 60 {
		t.Errorf("hash %s", hash)
	}
	for _, tt := range []struct {
		name, hash, plain string
		want              bool
	}{
		{"the same", hash, strings.Repeat("ä", 36), true},
		{"bytes after the 72nd", hash, strings.Repeat("ä", 36) + "anything", true},
		{"another", hash, strings.Repeat("ä", 35) + "a", false},
		{"empty", hash, "", false},
		{"no hash", "", "", false},
		{"malformed hash", "$2a$04$short", "x", false},
		{"no bcrypt", "plain", "plain", false},
	} {
		got, err := p.Matches(t.Context(), tt.hash, tt.plain)
		if err != nil || got != tt.want {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
	if _, err := p.Hash(t.Context(), strings.Repeat("a", 73), bcrypt.MinCost); !errors.Is(err, auth.ErrPasswordTooLong) {
		t.Error(err)
	}
	if _, err := p.Hash(t.Context(), "x", 32); err == nil {
		t.Error("a cost that does not exist")
	}
}

// TestPasswordsAreBounded: of more callers than may wait some are told so at once, all others get their outcome, and a
// caller who has gone does not hold a place.
func TestPasswordsAreBounded(t *testing.T) {
	p := auth.NewPasswords()
	gone, leave := context.WithCancel(t.Context())
	leave()
	const callers = 400
	var wg sync.WaitGroup
	outcomes := make(chan error, callers)
	for range callers {
		wg.Go(func() {
			_, err := p.Hash(gone, "x", bcrypt.MinCost+2)
			outcomes <- err
		})
	}
	wg.Wait()
	close(outcomes)
	for err := range outcomes {
		if err != nil && !errors.Is(err, auth.ErrBusy) && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if _, err := p.Hash(t.Context(), "x", bcrypt.MinCost); err != nil {
		t.Errorf("a place is lost: %v", err)
	}
}
