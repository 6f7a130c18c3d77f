package filter

import (
	"slices"
	"strings"
)

// Parse reads an expression. It fails with an *[Error].
func Parse(text string) (*Expr, error) { return parse(&parser{expr: &Expr{text: text}}, text) }

func parse(p *parser, text string) (*Expr, error) {
	items, err := p.group(text, 0)
	if err != nil {
		return nil, err
	}
	p.expr.items = items
	return p.expr, nil
}

type parser struct {
	expr        *Expr
	comparisons int
	scanned     int // bytes, see maxScanned
	named       bool
}

// part is which part of an item the parser waits for.
type part int

const (
	wantLeft part = iota
	wantSign
	wantRight
	wantJoin
)

// group is the state of reading one group, or the whole expression. A group in brackets may stand anywhere, also without a
// join before it: it takes the last join seen and throws an unfinished comparison away (filters.md 2).
type group struct {
	parser  *parser
	scanner *scanner
	depth   int
	items   []item
	wants   part
	or      bool
	dangles bool // a join was read and nothing after it
	current comparison
}

// group reads the text of a group or of the whole expression.
func (p *parser) group(text string, depth int) ([]item, error) {
	p.scanned += len(text)
	if depth > maxDepth || p.scanned > maxScanned {
		return nil, errorf("invalid or incomplete filter expression")
	}
	g := &group{parser: p, scanner: &scanner{src: text, named: p.named}, depth: depth}
	for {
		t, err := g.scanner.next()
		if err != nil {
			return nil, err
		}
		if t.kind == tokenEnd {
			return g.end()
		}
		if err := g.take(t); err != nil {
			return nil, err
		}
	}
}

// take reads the item part that begins with t.
func (g *group) take(t token) (err error) {
	if t.kind == tokenGroup {
		inner, err := g.parser.group(t.text, g.depth+1)
		if err != nil {
			return err
		}
		g.add(nest(g.or, inner))
		return nil
	}
	switch g.wants {
	case wantLeft:
		g.current.left, err = g.parser.operand(g.scanner, t, "left")
		g.wants = wantSign
	case wantSign:
		if t.kind != tokenSign {
			return errorf("expected a sign operator, got %q (%s)", t.text, t.kind)
		}
		g.current.op = operators[t.text]
		g.wants = wantRight
	case wantRight:
		if g.current.right, err = g.parser.operand(g.scanner, t, "right"); err != nil {
			return err
		}
		done := g.current
		g.add(item{or: g.or, comparison: &done})
		err = g.parser.count()
	case wantJoin:
		if t.kind != tokenJoin {
			return errorf("expected && or ||, got %q (%s)", t.text, t.kind)
		}
		g.or = t.text == "||"
		g.wants, g.dangles = wantLeft, true
	}
	return err
}

func (g *group) add(i item) {
	g.items = append(g.items, i)
	g.wants, g.dangles = wantJoin, false
}

// end returns the items when the text may end here.
func (g *group) end() ([]item, error) {
	if len(g.items) == 0 && g.wants == wantLeft {
		return nil, errorf("empty filter expression")
	}
	if g.wants != wantJoin || g.dangles {
		return nil, errorf("invalid or incomplete filter expression")
	}
	return g.items, nil
}

// nest makes an item of a group; brackets around a single item fall away, so that depth costs SQLite nothing.
func nest(or bool, inner []item) item {
	if len(inner) == 1 {
		one := inner[0]
		one.or = or
		return one
	}
	return item{or: or, group: inner}
}

func (p *parser) count() error {
	p.comparisons++
	if p.comparisons > maxComparisons {
		return errorf("max filter expressions limit reached")
	}
	return nil
}

func (p *parser) operand(s *scanner, t token, side string) (operand, error) {
	switch t.kind {
	case tokenIdentifier:
		p.note(t.text)
		return operand{kind: operandIdentifier, text: t.text, ref: refer(t.text)}, nil
	case tokenText:
		return operand{kind: operandText, text: t.text}, nil
	case tokenNumber:
		return operand{kind: operandNumber, text: t.text, number: t.number}, nil
	case tokenFunction:
		return p.function(s, t.text, 1)
	case tokenNamed:
		if !slices.Contains(p.expr.named, t.text) {
			p.expr.named = append(p.expr.named, t.text)
		}
		return operand{kind: operandNamed, text: t.text}, nil
	}
	return operand{}, errorf("expected %s operand (identifier, function, text or number), got %q (%s)", side, t.text, t.kind)
}

// maxFunctionDepth is how deep calls may be nested; no function accepts a call as an argument, but it is parsed.
const maxFunctionDepth = 3

func (p *parser) function(s *scanner, name string, depth int) (operand, error) {
	if depth > maxFunctionDepth {
		return operand{}, errorf("max nested function arguments limit reached")
	}
	was := s.inArguments
	s.inArguments = true
	defer func() { s.inArguments = was }()
	call := operand{kind: operandFunction, text: name}
	for wantArgument := true; ; {
		t, err := s.next()
		switch {
		case err != nil:
			return operand{}, err
		case t.kind == tokenClose:
			return call, nil
		case t.kind == tokenComma && !wantArgument:
			wantArgument = true
		case t.kind == tokenEnd:
			return operand{}, errorf("invalid formatted function %q - missing closing bracket", name)
		case !wantArgument || t.kind == tokenComma:
			return operand{}, errorf("unexpected %q in the arguments of function %q", t.text, name)
		default:
			var arg operand
			if t.kind == tokenFunction {
				arg, err = p.function(s, t.text, depth+1)
			} else {
				arg, err = p.operand(s, t, "argument")
			}
			if err != nil {
				return operand{}, err
			}
			call.args = append(call.args, arg)
			wantArgument = false
		}
	}
}

// note remembers what makes an expression depend on the request or on the time.
func (p *parser) note(identifier string) {
	if strings.HasPrefix(identifier, "@request.") && !slices.Contains(p.expr.requests, identifier) {
		p.expr.requests = append(p.expr.requests, identifier)
	}
	if _, ok := macros[identifier]; ok {
		p.expr.usesNow = true
	}
}
