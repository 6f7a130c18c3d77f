package auth_test

import (
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/auth"
)

func TestFingerprint(t *testing.T) {
	if got := (auth.Origin{IP: "127.0.0.1", UserAgent: "ua-1"}).Fingerprint(); got != "73fe558d5f82855e24405c70109b19ff" {
		t.Errorf("got %s", got)
	}
	long := strings.Repeat("x", 200)
	a, b := auth.Origin{UserAgent: long + "a"}, auth.Origin{UserAgent: long + "b"}
	if a.Fingerprint() != b.Fingerprint() || a.Fingerprint() == (auth.Origin{UserAgent: long}).Fingerprint() {
		t.Error("an agent is not cut to 200 bytes")
	}
}
