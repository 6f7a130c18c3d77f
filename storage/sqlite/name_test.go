package sqlite_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/sqlite"
)

func TestQuoteName(t *testing.T) {
	for name, want := range map[string]string{"": "``", "posts": "`posts`", "a b": "`a b`", "a`b": "`a``b`", "``": "``````", `a"b`: "`a\"b`"} {
		if got := sqlite.QuoteName(name); got != want {
			t.Errorf("QuoteName(%q) = %s, want %s", name, got, want)
		}
	}
}
