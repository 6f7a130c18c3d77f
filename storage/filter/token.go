package filter

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	tokenEnd tokenKind = iota
	tokenIdentifier
	tokenFunction // an identifier directly followed by "("
	tokenNumber
	tokenText
	tokenSign
	tokenJoin
	tokenGroup // the text between balanced brackets
	tokenComma
	tokenClose // the ")" that ends a function's arguments
	tokenNamed // "{:name}", only where names are allowed
)

// String names the kind as it is shown in error messages.
func (k tokenKind) String() string {
	switch k {
	case tokenIdentifier:
		return "identifier"
	case tokenFunction:
		return "function"
	case tokenNumber:
		return "number"
	case tokenText:
		return "text"
	case tokenSign:
		return "sign"
	case tokenJoin:
		return "join"
	case tokenGroup:
		return "group"
	case tokenNamed:
		return "parameter"
	}
	return "end"
}

type token struct {
	kind tokenKind
	// text is the identifier, the unescaped text, the sign or join as written, the name of a parameter, or what is inside
	// a group.
	text   string
	number float64
}

// scanner cuts an expression into tokens. White space and comments are skipped.
type scanner struct {
	src string
	pos int
	// inArguments is set while the arguments of a function are read: there "," and ")" are tokens of their own.
	inArguments bool
	// named allows "{:name}".
	named bool
}

func (s *scanner) next() (token, error) {
	if err := s.skip(); err != nil {
		return token{}, err
	}
	if s.pos >= len(s.src) {
		return token{kind: tokenEnd}, nil
	}
	c := s.src[s.pos]
	switch {
	case isIdentifierStart(c):
		return s.identifier()
	case c >= '0' && c <= '9', c == '-':
		return s.number()
	case c == '\'', c == '"':
		return s.quoted(c)
	case strings.IndexByte("=?!><~", c) >= 0:
		sign := s.run("=?!><~")
		if _, ok := operators[sign]; !ok {
			return token{}, errorf("invalid sign operator %q", sign)
		}
		return token{kind: tokenSign, text: sign}, nil
	case c == '&', c == '|':
		join := s.run("&|")
		if join != "&&" && join != "||" {
			return token{}, errorf("invalid join operator %q", join)
		}
		return token{kind: tokenJoin, text: join}, nil
	case s.inArguments && c == ',':
		s.pos++
		return token{kind: tokenComma, text: ","}, nil
	case s.inArguments && c == ')':
		s.pos++
		return token{kind: tokenClose, text: ")"}, nil
	case c == '{' && s.named:
		return s.parameter()
	case c == '(' && !s.inArguments:
		return s.group()
	}
	r, _ := utf8.DecodeRuneInString(s.src[s.pos:])
	return token{}, errorf("unexpected character %s", strconv.QuoteRune(r))
}

// skip moves over white space (blank, tab and line feed only) and comments.
func (s *scanner) skip() error {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == ' ' || c == '\t' || c == '\n':
			s.pos++
		case c == '/':
			if !strings.HasPrefix(s.src[s.pos:], "//") {
				return errorf("invalid comment")
			}
			end := strings.IndexByte(s.src[s.pos:], '\n')
			if end < 0 {
				s.pos = len(s.src)
				return nil
			}
			s.pos += end + 1
		default:
			return nil
		}
	}
	return nil
}

func (s *scanner) run(set string) string {
	start := s.pos
	for s.pos < len(s.src) && strings.IndexByte(set, s.src[s.pos]) >= 0 {
		s.pos++
	}
	return s.src[start:s.pos]
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func isIdentifierStart(c byte) bool {
	return isLetter(c) || c == '@' || c == '_' || c == '#'
}

func (s *scanner) identifier() (token, error) {
	start := s.pos
	s.pos++
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		if !isLetter(c) && !isDigit(c) && c != '_' && c != '.' && c != ':' {
			break
		}
		s.pos++
	}
	name := s.src[start:s.pos]
	last := name[len(name)-1]
	if last == '.' || last == ':' || name == "@" || name == "_" || name == "#" {
		return token{}, errorf("invalid identifier %q", name)
	}
	if s.pos < len(s.src) && s.src[s.pos] == '(' {
		s.pos++
		return token{kind: tokenFunction, text: name}, nil
	}
	return token{kind: tokenIdentifier, text: name}, nil
}

func (s *scanner) number() (token, error) {
	start := s.pos
	if s.src[s.pos] == '-' {
		s.pos++
	}
	for s.pos < len(s.src) && (isDigit(s.src[s.pos]) || s.src[s.pos] == '.') {
		s.pos++
	}
	text := s.src[start:s.pos]
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || strings.Count(digits, ".") > 1 || digits[0] == '.' || digits[len(digits)-1] == '.' {
		return token{}, errorf("invalid number %q", text)
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil && n == 0 {
		return token{}, errorf("invalid number %q", text)
	}
	return token{kind: tokenNumber, text: text, number: n}, nil
}

// escapes are the characters that a backslash in a text changes; before any other it stays.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '\\': '\\', '\'': '\'', '"': '"'}

func (s *scanner) quoted(quote byte) (token, error) {
	start := s.pos
	s.pos++
	var b strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == quote:
			s.pos++
			return token{kind: tokenText, text: b.String()}, nil
		case c == '\\' && s.pos+1 < len(s.src):
			if r, ok := escapes[s.src[s.pos+1]]; ok {
				b.WriteByte(r)
			} else {
				b.WriteByte('\\')
				b.WriteByte(s.src[s.pos+1])
			}
			s.pos += 2
		default:
			b.WriteByte(c)
			s.pos++
		}
	}
	return token{}, errorf("invalid quoted text %q", s.src[start:])
}

// group returns the text between this bracket and the one that closes it. Quotes are respected, comments are not: a
// bracket inside one counts.
func (s *scanner) group() (token, error) {
	depth := 0
	start := s.pos
	var quote byte
	for ; s.pos < len(s.src); s.pos++ {
		c := s.src[s.pos]
		switch {
		case quote != 0:
			if c == '\\' {
				s.pos++
			} else if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(':
			depth++
		case c == ')':
			depth--
			if depth == 0 {
				s.pos++
				return token{kind: tokenGroup, text: s.src[start+1 : s.pos-1]}, nil
			}
		}
	}
	return token{}, errorf("invalid formatted group - missing %d closing bracket(s)", depth)
}
