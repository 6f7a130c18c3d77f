package project

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// excerpt is the projection's modifier that makes a short plain text of HTML.
type excerpt struct {
	// length is in characters (code points).
	length int
	// ellipsis adds "..." to a text that was cut.
	ellipsis bool
}

// of returns the beginning of the text of an HTML fragment or document.
func (x *excerpt) of(source string) string {
	t := &textReader{length: x.length}
	t.read(source)
	text := strings.TrimSpace(t.text.String())
	if t.cut && x.ellipsis {
		text += "..."
	}
	return text
}

// maxOpenElements bounds the nesting of elements that is followed; HTML parsers stop at the same number. What is deeper
// is not read.
const maxOpenElements = 512

// textReader collects the visible text of HTML, ASCII white space collapsed, until it has enough. It reads tags one by one
// and keeps no tree, so a short excerpt of a long text costs little.
type textReader struct {
	length int
	text   strings.Builder
	count  int  // characters in text
	space  bool // a space belongs in front of the next character
	cut    bool // there is more than fits

	open   []element
	hidden int  // elements in open whose content is not shown
	body   bool // the head, which may be implied, is over
	full   bool // nothing more is read
}

type element struct {
	name   string
	hidden bool
}

func (t *textReader) read(source string) {
	if !strings.ContainsAny(source, "<&") {
		t.write(source)
		return
	}
	z := html.NewTokenizer(strings.NewReader(source))
	for !t.full {
		switch z.Next() {
		case html.ErrorToken:
			return
		case html.TextToken:
			if t.hidden == 0 {
				t.write(string(z.Text()))
			}
		case html.StartTagToken:
			name, _ := z.TagName()
			t.start(string(name), false)
		case html.SelfClosingTagToken:
			name, _ := z.TagName()
			t.start(string(name), true)
		case html.EndTagToken:
			name, _ := z.TagName()
			t.end(string(name))
		}
	}
}

// write adds text that is shown.
func (t *textReader) write(s string) {
	for _, r := range s {
		if collapses(r) {
			t.space = true
			continue
		}
		if r == 0 {
			continue
		}
		t.body = true
		if t.space && t.count > 0 {
			t.put(' ')
		}
		t.space = false
		t.put(r)
		if t.full {
			return
		}
	}
}

// collapses tells whether a run of such characters is one blank. Others, such as the no-break space between thousands, are
// there to be seen.
func collapses(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\f' || r == '\r' }

func (t *textReader) put(r rune) {
	if t.count == t.length {
		t.cut, t.full = true, true
		return
	}
	t.text.WriteRune(r)
	t.count++
}

// start opens an element. Only svg and what is in it may close itself; elsewhere in HTML the slash means nothing.
func (t *textReader) start(name string, closed bool) {
	hidden := hiddenElements[name]
	if !t.body && t.hidden == 0 {
		switch {
		case headElements[name]:
			hidden = true
		case headTags[name]:
			return
		default:
			t.body = true
		}
	}
	switch name {
	case "html", "head", "body":
		return
	case "form":
		if t.isOpen(name) { // forms do not nest
			return
		}
	case "button":
		t.end(name)
	case "select":
		if t.isOpen(name) {
			t.end(name)
			return
		}
	case "p", "li", "dt", "dd", "tr", "td", "th", "option":
		if n := len(t.open); n > 0 && t.open[n-1].name == name { // its end tag may be missing
			t.end(name)
		}
	}
	if t.hidden == 0 && !hidden && !inlineElements[name] {
		t.space = true
	}
	if voidElements[name] || closed && (name == "svg" || t.isOpen("svg")) {
		return
	}
	if len(t.open) == maxOpenElements {
		t.full = true
		return
	}
	t.open = append(t.open, element{name, hidden})
	if hidden {
		t.hidden++
	}
}

func (t *textReader) isOpen(name string) bool {
	return slices.ContainsFunc(t.open, func(e element) bool { return e.name == name })
}

// end closes the innermost open element of that name and those inside it. An end tag without a beginning is ignored, as
// is one whose beginning is outside an element that keeps its content to itself.
func (t *textReader) end(name string) {
	at := len(t.open) - 1
	for ; at >= 0 && t.open[at].name != name; at-- {
		if closedElements[t.open[at].name] {
			return
		}
	}
	if at < 0 {
		return
	}
	for i := len(t.open) - 1; i >= at; i-- {
		if e := t.open[i]; e.hidden {
			t.hidden--
		} else if t.hidden == 0 && !inlineElements[e.name] {
			t.space = true
		}
	}
	t.open = t.open[:at]
}

func names(list string) map[string]bool {
	m := make(map[string]bool)
	for name := range strings.FieldsSeq(list) {
		m[name] = true
	}
	return m
}

var (
	// hiddenElements are dropped with everything in them.
	hiddenElements = names("style script iframe embed applet object svg img image picture dialog template button form textarea input select option")
	// headElements are dropped in the head of a document, also when the head is implied.
	headElements = names("title style script template noscript noframes")
	// headTags are other tags that do not end the head.
	headTags = names("html head base basefont bgsound link meta")
	// inlineElements do not separate words.
	inlineElements = names("a abbr acronym b bdo big br button cite code em i label q small span strong strike sub sup time")
	// voidElements have no content.
	voidElements = names("area base basefont bgsound br col embed frame hr image img input link meta param source track wbr")
	// closedElements are not closed by the end tag of an element around them.
	closedElements = names("applet object select svg template")
)
