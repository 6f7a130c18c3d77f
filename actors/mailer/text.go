package mailer

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxNesting is how deeply elements may lie within one another: what is deeper is left out of the text.
const maxNesting = 256

// plainText is a page for those who read no HTML: without tags, links as [text](address).
func plainText(page string) string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil { // a reader of a string does not fail, and every text is some HTML
		return page
	}
	var t textWriter
	t.node(root, 0)
	return strings.TrimSpace(t.b.String()) + "\n"
}

// textWriter writes the text of a page. Spaces are folded, blocks begin on a line of their own.
type textWriter struct {
	b     strings.Builder
	space bool // a space is due before the next word
	lines int  // how many line ends are due before it
}

func (t *textWriter) node(n *html.Node, depth int) {
	if depth > maxNesting {
		return
	}
	switch n.Type {
	case html.TextNode:
		t.text(n.Data)
		return
	case html.ElementNode:
		switch n.DataAtom {
		case atom.Head, atom.Style, atom.Script, atom.Title:
			return
		case atom.Br:
			t.lines++
			return
		case atom.A:
			t.link(n, depth)
			return
		}
	}
	t.block(n)
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		t.node(c, depth+1)
	}
	t.block(n)
}

// block asks for a new line around elements that stand on their own.
func (t *textWriter) block(n *html.Node) {
	switch n.DataAtom {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Table, atom.Blockquote, atom.Pre, atom.Hr:
		t.lines = max(t.lines, 2)
	case atom.Div, atom.Li, atom.Tr, atom.Section, atom.Header, atom.Footer:
		t.lines = max(t.lines, 1)
	}
}

func (t *textWriter) link(n *html.Node, depth int) {
	href := ""
	for _, a := range n.Attr {
		if a.Key == "href" {
			href = a.Val
		}
	}
	var inner textWriter
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		inner.node(c, depth+1)
	}
	label := strings.TrimSpace(inner.b.String())
	if href != "" {
		label = "[" + label + "](" + href + ")"
	}
	t.word(label)
}

func (t *textWriter) text(s string) {
	words := strings.Fields(s)
	if len(words) == 0 || isSpace(s[0]) {
		t.space = true
	}
	for i, w := range words {
		if i > 0 {
			t.space = true
		}
		t.word(w)
	}
	if len(words) > 0 && isSpace(s[len(s)-1]) {
		t.space = true
	}
}

// word writes a word after the spaces or line ends that are due.
func (t *textWriter) word(w string) {
	switch {
	case t.b.Len() == 0:
	case t.lines > 0:
		t.b.WriteString(strings.Repeat("\n", min(t.lines, 2)))
	case t.space:
		t.b.WriteByte(' ')
	}
	t.space, t.lines = false, 0
	t.b.WriteString(w)
}

func isSpace(b byte) bool { return strings.IndexByte(" \t\r\n\f", b) >= 0 }
