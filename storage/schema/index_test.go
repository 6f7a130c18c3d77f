package schema_test

import (
	"testing"

	"github.com/troupebase/troupe/storage/schema"
)

func TestParseIndex(t *testing.T) {
	tests := []struct{ text, want string }{
		{"create index a on t (b)", "CREATE INDEX `a` ON `t` (`b`)"},
		{"create index a on t(b)", "CREATE INDEX `a` ON `t` (`b`)"},
		{"CREATE UNIQUE INDEX IF NOT EXISTS \"a\" ON [t] (`b` collate nocase desc, c)", "CREATE UNIQUE INDEX IF NOT EXISTS `a` ON `t` (\n  `b` COLLATE nocase DESC,\n  `c`\n)"},
		{"create index main.a on t (lower(b), c) where c = 1;", "CREATE INDEX `main`.`a` ON `t` (\n  lower(b),\n  `c`\n) WHERE c = 1;"},
		{"create index a.b.c on t (d)", "CREATE INDEX `a` ON `t` (`d`)"},
		{"x create index a on t (b,,) y", "CREATE INDEX `a` ON `t` (`b`)"},
		{"create index a on t (coalesce(b, ','))", "CREATE INDEX `a` ON `t` (coalesce(b, ','))"},
		{"create index a on t(lower(b))", "CREATE INDEX `a` ON `t` (lower(b))"},
		{"create index a on t (b) where lower(b) = 'x'", "CREATE INDEX `a` ON `t` (`b`) WHERE lower(b) = 'x'"},
		{"create index a on t (b)where c in (1, ')') and (d or e)", "CREATE INDEX `a` ON `t` (`b`) WHERE c in (1, ')') and (d or e)"},
		{"create index a on t (b, `c)`) where (d)", "CREATE INDEX `a` ON `t` (\n  `b`,\n  `c)`\n) WHERE (d)"},
	}
	for _, test := range tests {
		ix := schema.ParseIndex(test.text)
		if !ix.Valid() {
			t.Errorf("%q: not valid", test.text)
		}
		if got := ix.String(); got != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.text, got, test.want)
		}
	}
	for _, text := range []string{
		"", "create index", "create index on t (a)", "create index [a b] on t (c)", "create index a on t ()",
		"create index a on t (b", "create index a on (b)", "create index a on t (')",
	} {
		if ix := schema.ParseIndex(text); ix.Valid() {
			t.Errorf("%q is valid: %+v", text, ix)
		}
	}
}

func FuzzParseIndex(f *testing.F) {
	f.Add("create unique index a on t (b collate nocase desc, lower(c)) where d = ''")
	f.Add("create index `a` on [t](\"b\")")
	f.Fuzz(func(t *testing.T, text string) {
		ix := schema.ParseIndex(text)
		if !ix.Valid() {
			return
		}
		_ = ix.String()
	})
}
