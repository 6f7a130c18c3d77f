package schema_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/troupebase/troupe/storage/schema"
)

func TestGenerate(t *testing.T) {
	const rounds = 200
	tests := []struct {
		pattern  string
		min, max int // characters
	}{
		{"[a-z0-9]{15}", 15, 15},
		{"q{3}-w{2}", 6, 6},
		{`\d{1,20}`, 1, 19},
		{"a*", 0, 5},
		{"a+", 1, 5},
		{"a{2,}", 2, 5},
		{"a{9,}", 9, 9},
		{"ab?c", 2, 3},
		{".{4}", 4, 4},
		{"(foo|bar|x)", 1, 3},
		{`[^a-z]`, 1, 1},
		{`(?i)abc\w`, 4, 4},
		{"日本{2}", 3, 3},
	}
	for _, test := range tests {
		f := &schema.TextField{AutogeneratePattern: test.pattern}
		whole := regexp.MustCompile("(?s)^(?:" + test.pattern + ")$")
		seen := map[int]bool{}
		for range rounds {
			v, ok := f.Generate()
			s, _ := v.(string)
			if !ok || !whole.MatchString(s) && utf8.ValidString(s) {
				t.Fatalf("%s generated %q", test.pattern, s)
			}
			n := utf8.RuneCountInString(s)
			if n < test.min || n > test.max {
				t.Fatalf("%s generated %q: %d characters, want %d to %d", test.pattern, s, n, test.min, test.max)
			}
			seen[n] = true
		}
		if test.max <= 5 && test.pattern != "(foo|bar|x)" && len(seen) != test.max-test.min+1 {
			t.Errorf("%s: lengths %v in %d rounds, want all from %d to %d", test.pattern, seen, rounds, test.min, test.max)
		}
	}
}

func TestGenerateNothing(t *testing.T) {
	nested := strings.Repeat("(", 40) + "a" + strings.Repeat("+b)", 40)
	for _, pattern := range []string{"", "[", "^a", `\b`, "a|", "()", nested} {
		if v, ok := (&schema.TextField{AutogeneratePattern: pattern}).Generate(); ok {
			t.Errorf("%q generated %v", pattern, v)
		}
	}
}

// TestGenerateFollowsTheSettings makes sure that what was compiled for one pattern is not used for the next.
func TestGenerateFollowsTheSettings(t *testing.T) {
	f := &schema.TextField{AutogeneratePattern: "a{3}", Pattern: "^a"}
	if v, _ := f.Generate(); v != "aaa" || f.Validate(v, schema.Create) != nil {
		t.Fatalf("generated %v", v)
	}
	f.AutogeneratePattern, f.Pattern = "b{3}", "^b"
	if v, _ := f.Generate(); v != "bbb" || f.Validate(v, schema.Create) != nil {
		t.Errorf("generated %v after the change", v)
	}
}

func TestStoredFileName(t *testing.T) {
	const r = "[a-z0-9]{10}"
	tests := []struct{ original, want string }{
		{"My File.TXT", "my_file_" + r + `\.TXT`},
		{"archive.tar.gz", "archive_" + r + `\.tar\.gz`},
		{"dots.in.the.name.md", "dots_in_the_" + r + `\.name\.md`},
		{"CamelCaseFILEName.txt", "camel_case_filename_" + r + `\.txt`},
		{"HTTPServerURL.txt", "httpserver_url_" + r + `\.txt`},
		{"my  file--name__x.JPG", "my_file_name_x_" + r + `\.JPG`},
		{"ünïcödé file.txt", "n_c_d_file_" + r + `\.txt`},
		{"日本語.txt", r + "_" + r + `\.txt`},
		{"ab.txt", "ab" + r + "_" + r + `\.txt`},
		{".hidden", r + "_" + r + `\.hidden`},
		{"sub/dir/file.txt", "file_" + r + `\.txt`},
		{`back\slash.txt`, "back_slash_" + r + `\.txt`},
		{"noextension", "noextension_" + r + `\.txt`},
		{"dot.", "dot_" + r + `\.txt`},
		{"two..txt", "two_" + r + `\.txt`},
		{"", r + "_" + r + `\.txt`},
		{"..", r + "_" + r + `\.txt`},
		{"doc.e x/é.p<d>f", r + "_" + r + `\.pdf`},
		{"doc." + strings.Repeat("e", 30), "doc_" + r + `\.e{20}`},
		{strings.Repeat("x", 150) + ".txt", "x{100}_" + r + `\.txt`},
		{"a" + strings.Repeat("b", 300), "b{100}_" + r + `\.txt`},
		{"file.attrs", "file_" + r + `\.attrs_`},
		{"file.png.ATTRS", "file_" + r + `\.png\.ATTRS_`},
		{".attrs", r + "_" + r + `\.attrs_`},
		{"file.at=ré.a tt rs", "file_" + r + `\.at=r\.attrs_`},
		{"file." + strings.Repeat("e", 30) + ".attrs", "file_" + r + `\.e{14}\.attrs_`},
	}
	for _, test := range tests {
		got := schema.StoredFileName(test.original, []byte("hello"))
		if !regexp.MustCompile("^" + test.want + "$").MatchString(got) {
			t.Errorf("StoredFileName(%q) = %q, want %s", test.original, got, test.want)
		}
		if again := schema.StoredFileName(test.original, []byte("hello")); again == got {
			t.Errorf("StoredFileName(%q) returned %q twice", test.original, got)
		}
	}
	if got := schema.StoredFileName("picture", []byte("\x89PNG\r\n\x1a\n")); !strings.HasSuffix(got, ".png") {
		t.Errorf("a PNG got the name %q", got)
	}
	if got := schema.StoredFileName("sound", []byte("ID3\x03\x00\x00\x00\x00\x00\x00")); !strings.HasSuffix(got, ".mp3") {
		t.Errorf("a tag of a sound without the sound got the name %q", got)
	}
}
