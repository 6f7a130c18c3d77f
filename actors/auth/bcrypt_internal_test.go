package auth

import (
	"crypto/rand"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
)

// TestBcryptIsBcrypt: what is hashed here is accepted by golang.org/x/crypto, and the other way round.
func TestBcryptIsBcrypt(t *testing.T) {
	for n := range maxPasswordBytes + 1 {
		password := make([]byte, n)
		_, _ = rand.Read(password)
		ours, err := bcryptHash(password, bcrypt.MinCost+n%2, runtime.Gosched)
		if err != nil {
			t.Fatal(err)
		}
		if err := bcrypt.CompareHashAndPassword([]byte(ours), password); err != nil {
			t.Errorf("%d bytes: %v", n, err)
		}
		theirs, err := bcrypt.GenerateFromPassword(password, bcrypt.MinCost+n%2)
		if err != nil {
			t.Fatal(err)
		}
		if !bcryptMatches(string(theirs), password, runtime.Gosched) {
			t.Errorf("%d bytes: a hash of golang.org/x/crypto does not match", n)
		}
		if n > 0 {
			password[n/2] ^= 1
			if bcryptMatches(ours, password, runtime.Gosched) {
				t.Errorf("%d bytes: another password matches", n)
			}
		}
	}
	if hash, err := bcryptHash([]byte("x"), 0, runtime.Gosched); err != nil || !strings.HasPrefix(hash, "$2a$10$") {
		t.Errorf("hash %q, %v", hash, err)
	}
}

// TestBcryptVectors are known hashes of the versions that are about.
func TestBcryptVectors(t *testing.T) {
	const of = "$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"
	for _, version := range []string{"$2a", "$2b", "$2y"} {
		if !bcryptMatches(version+of, []byte("U*U"), runtime.Gosched) {
			t.Errorf("%s: the password does not match", version)
		}
	}
	for _, bad := range []string{"", "$2a$05$", "$3a" + of, "$2a" + of[:len(of)-1], "$2a" + of + "x", "$2a$99" + of[3:], strings.Repeat("!", 60)} {
		if bcryptMatches(bad, []byte("U*U"), runtime.Gosched) {
			t.Errorf("%q matches", bad)
		}
	}
}

func FuzzBcryptHash(f *testing.F) {
	f.Add("$2a$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "x")
	f.Add("$2$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "")
	f.Fuzz(func(t *testing.T, hash, password string) {
		if cost, err := bcrypt.Cost([]byte(hash)); len(password) > maxPasswordBytes || err == nil && cost > 5 {
			return
		}
		if ours, theirs := bcryptMatches(hash, []byte(password), runtime.Gosched), bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil; ours && !theirs {
			t.Errorf("%q matches %q here alone", hash, password)
		}
	})
}
