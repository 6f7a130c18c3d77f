package httpx

import (
	"bytes"
	"errors"

	"github.com/valyala/fasthttp"
)

// What is wrong with a head. Both end the connection: what follows cannot be told apart from the head.
var (
	errHeadTooLarge  = errors.New("request line and headers are too large")
	errHeadMalformed = errors.New("malformed request line or header")
)

// malformedHead is what a client is told of the second.
const malformedHead = "The request line or a header is malformed."

// maxBlankLines is how many empty lines before a request line are passed over; some clients end a body with one too many.
const maxBlankLines = 4

// headScanner looks for the end of a request's head in bytes that come in piece by piece, and looks at each line once. Nothing that two
// servers could read differently passes: every line ends with CR LF, a name is followed by its colon, there are no folded lines.
type headScanner struct {
	line   int // where the current line begins
	seen   int // how far it was searched
	lines  int // lines that are complete, the request line included
	blanks int // empty lines before the request line
}

// scan goes on in b, which begins with what earlier calls were given. It returns the length of the head, the empty line included, or 0 when
// more is needed.
func (s *headScanner) scan(b []byte) (int, error) {
	for {
		i := bytes.IndexByte(b[s.seen:], '\n')
		if i < 0 {
			s.seen = len(b)
			return 0, nil
		}
		end := s.seen + i
		if end == s.line || b[end-1] != '\r' {
			return 0, errHeadMalformed // a line ends with LF alone
		}
		line := b[s.line : end-1]
		s.line, s.seen = end+1, end+1
		switch {
		case len(line) == 0 && s.lines > 0:
			return end + 1, nil
		case len(line) == 0:
			if s.blanks++; s.blanks > maxBlankLines {
				return 0, errHeadMalformed
			}
		case s.lines == 0 && !isRequestLine(line), s.lines > 0 && !isHeaderLine(line):
			return 0, errHeadMalformed
		default:
			s.lines++
		}
	}
}

// isRequestLine tells whether line is METHOD TARGET HTTP/1.x, with one blank between each. What else is in a target is looked at by
// fasthttp, and so are the values of headers.
func isRequestLine(line []byte) bool {
	method, rest, ok := bytes.Cut(line, blank)
	if !ok || !isToken(method) {
		return false
	}
	target, version, ok := bytes.Cut(rest, blank)
	if !ok || len(target) == 0 {
		return false
	}
	return len(version) == len("HTTP/1.1") && string(version[:7]) == "HTTP/1." && '0' <= version[7] && version[7] <= '9'
}

var blank = []byte{' '}

// isHeaderLine tells whether line is a name with a colon right behind it, and a value.
func isHeaderLine(line []byte) bool {
	for i, c := range line {
		if !tokenBytes[c] {
			return c == ':' && i > 0
		}
	}
	return false
}

func isToken(s []byte) bool {
	for _, c := range s {
		if !tokenBytes[c] {
			return false
		}
	}
	return len(s) > 0
}

// tokenBytes are the bytes of names and methods (RFC 9110, 5.6.2).
var tokenBytes = func() (table [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		table[c] = true
	}
	return table
}()

// isParsedHead tells of a head that fasthttp has read whether it would have passed a headScanner.
func isParsedHead(h *fasthttp.RequestHeader) bool {
	if !bytes.HasPrefix(h.Protocol(), []byte("HTTP/1.")) {
		return false
	}
	raw := h.RawHeaders()
	if len(raw) == 0 {
		return true
	}
	s := headScanner{lines: 1}
	n, err := s.scan(raw)
	return err == nil && n == len(raw)
}
