package filter

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// Source is where an expression reads the query parameters and headers of a request. One that reads the running request
// belongs to the goroutine that serves it, and ends with it: what outlives the call, such as a command for the Writer, works
// with [Request.Detach].
type Source interface {
	// Query returns the first value of a parameter of the URL.
	Query(name string) (string, bool)
	// Header returns the first value of a header; the name is in the form of [HeaderName].
	Header(name string) (string, bool)
	// CopyTo adds all parameters and headers to s.
	CopyTo(s *Snapshot)
}

// Snapshot is query parameters and headers by value. It is a [Source]. The zero value has none; once it is filled it is not
// changed, and then it is safe for concurrent use.
//
// It holds everything that was sent and not only what the rules of a collection ask for when it is made. A rule is
// compiled again in the unit that judges it, when the catalogue has changed since the command was handed over, and may ask
// for another header by then. The copy is one piece of memory, as long as the head of the request at most.
type Snapshot struct {
	pairs []byte // of each: what it is, the name and the value, both after their length
	outer *Snapshot
}

// snapshotSize is what the parameters and headers of most requests fit into.
const snapshotSize = 512

// What a pair of a Snapshot is.
const (
	queryPair  = 'q'
	headerPair = 'h'
)

// AddQuery adds a parameter of the URL.
func (s *Snapshot) AddQuery(name, value string) { addPair(s, queryPair, name, value) }

// AddHeader adds a header, its name as it was sent. It copies both.
func (s *Snapshot) AddHeader(name, value []byte) { addPair(s, headerPair, name, value) }

// Under makes s part of a request: headers that s itself does not have are those of outer.
func (s *Snapshot) Under(outer *Snapshot) { s.outer = outer }

func addPair[T string | []byte](s *Snapshot, kind byte, name, value T) {
	if s.pairs == nil {
		s.pairs = make([]byte, 0, max(snapshotSize, len(name)+len(value)+2*binary.MaxVarintLen64))
	}
	s.pairs = append(s.pairs, kind)
	s.pairs = append(binary.AppendUvarint(s.pairs, uint64(len(name))), name...)
	s.pairs = append(binary.AppendUvarint(s.pairs, uint64(len(value))), value...)
}

// Query implements [Source].
func (s *Snapshot) Query(name string) (string, bool) {
	for rest := s.pairs; len(rest) > 0; {
		kind, key, value, after := cutPair(rest)
		if kind == queryPair && string(key) == name {
			return string(value), true
		}
		rest = after
	}
	return "", false
}

// Header implements [Source].
func (s *Snapshot) Header(name string) (string, bool) {
	for rest := s.pairs; len(rest) > 0; {
		kind, key, value, after := cutPair(rest)
		if kind == headerPair && isHeaderName(key, name) {
			return string(value), true
		}
		rest = after
	}
	if s.outer != nil {
		return s.outer.Header(name)
	}
	return "", false
}

// CopyTo implements [Source].
func (s *Snapshot) CopyTo(to *Snapshot) {
	to.pairs = append(to.pairs, s.pairs...)
	to.outer = s.outer
}

// cutPair takes the first pair off.
func cutPair(pairs []byte) (kind byte, name, value, rest []byte) {
	name, rest = cutText(pairs[1:])
	value, rest = cutText(rest)
	return pairs[0], name, value, rest
}

func cutText(b []byte) (text, rest []byte) {
	n, size := binary.Uvarint(b)
	b = b[size:]
	return b[:n], b[n:]
}

// Detach returns the request with its parameters and headers by value: what another goroutine may read, and what is still
// right when the running request has ended.
func (r *Request) Detach() *Request {
	if _, already := r.Source.(*Snapshot); already || r.Source == nil {
		return r
	}
	detached := &struct {
		Request
		Snapshot
	}{Request: *r}
	r.Source.CopyTo(&detached.Snapshot)
	detached.Source = &detached.Snapshot
	return &detached.Request
}

// isHeaderName tells whether name is the [HeaderName] of sent.
func isHeaderName(sent []byte, name string) bool {
	at, gap := 0, false
	for len(sent) > 0 {
		r, size := utf8.DecodeRune(sent)
		sent = sent[size:]
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			gap = at > 0
			continue
		}
		if gap {
			if at == len(name) || name[at] != '_' {
				return false
			}
			at++
			gap = false
		}
		want, size := utf8.DecodeRuneInString(name[at:])
		if size == 0 || want != unicode.ToLower(r) {
			return false
		}
		at += size
	}
	return at == len(name)
}
