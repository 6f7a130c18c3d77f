package project

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestExcerpt(t *testing.T) {
	const long = "<p>Hello <b>big</b> world</p>\n<script>bad()</script><ul><li>one</li><li>two</li></ul> tail &amp; end"
	tests := []struct {
		name     string
		source   string
		length   int
		ellipsis bool
		want     string
	}{
		{"cut", long, 5, false, "Hello"},
		{"cut with ellipsis", long, 5, true, "Hello..."},
		{"cut inside a word", long, 11, true, "Hello big w..."},
		{"trimmed after the cut", long, 6, true, "Hello..."},
		{"everything", long, 1000, true, "Hello big world one two tail & end"},
		{"just fits", "  abc ", 3, true, "abc"},
		{"nothing", "", 3, true, ""},
		{"only blanks", " \n\t ", 3, true, ""},
		{"plain text", "one\n\n two", 100, false, "one two"},
		{"characters are code points", "äöü€x", 4, true, "äöü€..."},
		{"entities", "&lt;b&gt;&nbsp;&eacute;&#65;", 100, false, "<b>\u00a0éA"},
		{"spaces that are meant", "1\u2003\u3000 \t\n2&nbsp;", 100, false, "1\u2003\u3000 2"},
		{"less than", "1 < 2 & 3", 100, false, "1 < 2 & 3"},
		{"unfinished tag", "a<b", 100, false, "a"},
		{"inline", "a<b>b</b>c<br>d<span>e</span>", 100, false, "abcde"},
		{"block", "a<div>b</div>c<hr>d<h1>e</h1>f", 100, false, "a b c d e f"},
		{"missing end tags", "<ul><li>a<li>b<li>c</ul>", 100, false, "a b c"},
		{"stray end tags", "a</b>b</div>c", 100, false, "abc"},
		{"comment", "a<!-- no -->b", 100, false, "ab"},
		{"dropped", "a<style>no</style><script>'</p>'</script><template>no<p>no</p></template>b", 100, false, "ab"},
		{"dropped inside dropped", "a<button>no<button>no</button>b<form>no<form>no</form>c", 100, false, "abc"},
		{"dropped void", "a<img src=x>b<input>c<embed>d", 100, false, "abcd"},
		{"dropped ends with its parent", "<div>a<button>no</div>b", 100, false, "a b"},
		{"what is outside does not end it", "<div>a<object>no</div>no</object>b</div>", 100, false, "ab"},
		{"select", "a<select><option>no<option>no</select>b", 100, false, "ab"},
		{"a second select ends the first", "a<select><option>no<select>b", 100, false, "ab"},
		{"svg", "a<svg><path/><text>no</text></svg>b<svg/>c", 100, false, "abc"},
		{"textarea", "a<textarea><p>no</textarea>b", 100, false, "ab"},
		{"document", "<!doctype html><html><head><title>no</title><meta charset=utf8></head><body>a</body></html>", 100, false, "a"},
		{"implied head", " <title>no</title><p>a</p>", 100, false, "a"},
		{"title in the body", "<p>a</p><title>b</title>", 100, false, "a b"},
		{"upper case", "a<SCRIPT>no</SCRIPT><DIV>b</DIV>", 100, false, "a b"},
		{"unclosed dropped element", "a<script>no", 100, false, "a"},
		{"too deep", "a" + strings.Repeat("<i>", maxOpenElements+1) + "no", 100, true, "a"},
		{"many paragraphs without end", strings.Repeat("<p>a", 2*maxOpenElements) + "<p>b", 5 * maxOpenElements, false, strings.Repeat("a ", 2*maxOpenElements) + "b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := excerpt{length: tt.length, ellipsis: tt.ellipsis}
			if got := x.of(tt.source); got != tt.want {
				t.Errorf("excerpt of %.100q = %.100q, want %.100q", tt.source, got, tt.want)
			}
		})
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add("<p>Hello <b>big</b> world</p>", 5)
	f.Add("<svg/><button></select>&amp;&#x0;\x00", 1)
	f.Fuzz(func(t *testing.T, source string, length int) {
		if length <= 0 {
			return
		}
		got := (&excerpt{length: length}).of(source)
		if n := utf8.RuneCountInString(got); n > length {
			t.Errorf("%d characters, at most %d are wanted", n, length)
		}
		if strings.TrimSpace(got) != got || strings.Contains(got, "  ") {
			t.Errorf("blanks are left in %q", got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return r != ' ' && collapses(r) }) {
			t.Errorf("white space is left in %q", got)
		}
	})
}
