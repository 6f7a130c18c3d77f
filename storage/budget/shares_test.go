package budget_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/budget"
)

// TestSharesFitTheBudget: no flood of one kind can take what another may have, and all together are not more than the whole.
func TestSharesFitTheBudget(t *testing.T) {
	b := budget.FromMemory(1 << 30)
	sum := int64(0)
	names := make(map[string]bool)
	for _, s := range b.Shares().All() {
		u := s.Usage()
		if names[u.Name] || u.Limit == 0 {
			t.Errorf("share %+v", u)
		}
		names[u.Name] = true
		sum += u.Limit
		if err := s.Take("flood", u.Limit); err == nil {
			t.Errorf("one client may take all of %s", u.Name)
		}
	}
	if sum > b.Total() {
		t.Errorf("the shares have %d bytes of %d", sum, b.Total())
	}
	if bodies := b.Shares().Bodies; bodies.Take("a", 32<<20) != nil || bodies.Take("b", 8<<20) != nil {
		t.Error("a body of 32 MiB and a small one of somebody else do not fit")
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"536870912": 512 << 20, "512MiB": 512 << 20, "512mib": 512 << 20, "2GiB": 2 << 30, "64KiB": 64 << 10, "100B": 100, "1TiB": 1 << 40,
		"512MB": 512e6, "1GB": 1e9, "512M": 512 << 20, "1G": 1 << 30, " 8 MiB ": 8 << 20,
	} {
		if got, err := budget.ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GiB", "12 parsecs", "9223372036854775807GiB", "0x10", "1e9", "0"} {
		if got, err := budget.ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d", text, got)
		}
	}
}

func TestMemoryKnowsWhatTheEnvironmentSays(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "100MiB")
	if m := budget.Memory(); m != 100<<20 {
		t.Errorf("GOMEMLIMIT=100MiB: %d", m)
	}
	t.Setenv("GOMEMLIMIT", "off")
	if m := budget.Memory(); m < 101<<20 {
		t.Errorf("GOMEMLIMIT=off: %d", m)
	}
}

func TestGiven(t *testing.T) {
	for memory, want := range map[int64]int64{1 << 20: 16 << 20, 512 << 20: 128 << 20, 8 << 30: 2 << 30} {
		if got := budget.Given(memory).Total(); got != want {
			t.Errorf("%d bytes given: budget %d, want %d", memory, got, want)
		}
	}
}
