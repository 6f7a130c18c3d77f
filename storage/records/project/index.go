package project

import (
	"encoding/json"
	"fmt"
	"math"
)

// maxJSONDepth bounds the nesting of documents, because they are walked recursively. A stored json value has at most
// 10,000 levels, which is what encoding/json reads; expands and pages put some around it.
const maxJSONDepth = 20_000

// jsonIndex is a JSON document and where its values are. One pass over the document makes it; it is what keeps projecting
// linear however deep the document is.
type jsonIndex struct {
	doc   []byte
	nodes []jsonNode
}

// jsonNode is a value or a key. Keys and values of an object alternate behind it, as do the elements behind a list.
type jsonNode struct {
	start, end uint32 // in the document
	after      uint32 // number of the first node that is not inside this one
}

// indexJSON finds the values of doc. It trusts the scalars: what it accepts of a valid document is right, but it does
// not find every fault of an invalid one.
func indexJSON(doc []byte) (*jsonIndex, error) {
	if uint64(len(doc)) > math.MaxUint32 {
		return nil, fmt.Errorf("index JSON: %d bytes are too many", len(doc))
	}
	// Answers have a value in every 16 bytes or so; guessing low only costs a copy.
	x := &jsonIndex{doc: doc, nodes: make([]jsonNode, 0, len(doc)/16+8)}
	end, err := x.read(x.blank(0), 0)
	if err != nil {
		return nil, err
	}
	if end = x.blank(end); end != len(doc) {
		return nil, x.fault(end)
	}
	return x, nil
}

// kind is the first byte of node i.
func (x *jsonIndex) kind(i int) byte { return x.doc[x.nodes[i].start] }

// raw is node i as it stands in the document.
func (x *jsonIndex) raw(i int) []byte { return x.doc[x.nodes[i].start:x.nodes[i].end] }

// first is the number of the first node inside node i; it equals after when there is none.
func (x *jsonIndex) first(i int) int { return i + 1 }

func (x *jsonIndex) after(i int) int { return int(x.nodes[i].after) }

// key returns the decoded text of node i, a string. It is part of the document where nothing is escaped in it.
func (x *jsonIndex) key(i int) []byte {
	raw := x.raw(i)
	for _, c := range raw {
		if c == '\\' {
			return []byte(x.text(i))
		}
	}
	return raw[1 : len(raw)-1]
}

// text returns the decoded text of node i, a string. Escapes that are wrong make it empty.
func (x *jsonIndex) text(i int) string {
	raw := x.raw(i)
	for _, c := range raw {
		if c == '\\' {
			var s string
			if json.Unmarshal(raw, &s) != nil {
				return ""
			}
			return s
		}
	}
	return string(raw[1 : len(raw)-1])
}

// read adds the value that begins at pos and returns where it ends.
func (x *jsonIndex) read(pos, depth int) (end int, err error) {
	if depth > maxJSONDepth {
		return pos, fmt.Errorf("index JSON: more than %d levels", maxJSONDepth)
	}
	if pos >= len(x.doc) {
		return pos, x.fault(pos)
	}
	n := len(x.nodes)
	x.nodes = append(x.nodes, jsonNode{start: uint32(pos)})
	switch c := x.doc[pos]; {
	case c == '{':
		end, err = x.inside(pos, depth, '}', true)
	case c == '[':
		end, err = x.inside(pos, depth, ']', false)
	case c == '"':
		end, err = x.quoted(pos)
	case c == '-' || c >= '0' && c <= '9' || c == 't' || c == 'f' || c == 'n':
		end = x.scalar(pos)
	default:
		err = x.fault(pos)
	}
	x.nodes[n].end, x.nodes[n].after = uint32(end), uint32(len(x.nodes))
	return end, err
}

// inside adds what is in the list or object that opens at pos.
func (x *jsonIndex) inside(pos, depth int, closing byte, keys bool) (end int, err error) {
	pos = x.blank(pos + 1)
	if x.at(pos) == closing {
		return pos + 1, nil
	}
	for {
		if keys {
			if pos, err = x.readKey(pos); err != nil {
				return pos, err
			}
		}
		if pos, err = x.read(pos, depth+1); err != nil {
			return pos, err
		}
		pos = x.blank(pos)
		switch x.at(pos) {
		case closing:
			return pos + 1, nil
		case ',':
			pos = x.blank(pos + 1)
		default:
			return pos, x.fault(pos)
		}
	}
}

// readKey adds the key at pos and returns where its value begins.
func (x *jsonIndex) readKey(pos int) (value int, err error) {
	if x.at(pos) != '"' {
		return pos, x.fault(pos)
	}
	end, err := x.quoted(pos)
	if err != nil {
		return pos, err
	}
	x.nodes = append(x.nodes, jsonNode{uint32(pos), uint32(end), uint32(len(x.nodes) + 1)})
	if end = x.blank(end); x.at(end) != ':' {
		return end, x.fault(end)
	}
	return x.blank(end + 1), nil
}

func (x *jsonIndex) quoted(pos int) (end int, err error) {
	for i := pos + 1; i < len(x.doc); i++ {
		switch x.doc[i] {
		case '\\':
			i++
		case '"':
			return i + 1, nil
		}
	}
	return pos, x.fault(len(x.doc))
}

func (x *jsonIndex) scalar(pos int) (end int) {
	for end = pos; end < len(x.doc); end++ {
		switch x.doc[end] {
		case ',', ']', '}', ' ', '\t', '\n', '\r', ':', '"', '{', '[':
			return end
		}
	}
	return end
}

// blank returns the first position from pos on that holds no white space.
func (x *jsonIndex) blank(pos int) int {
	for pos < len(x.doc) {
		switch x.doc[pos] {
		case ' ', '\t', '\n', '\r':
			pos++
		default:
			return pos
		}
	}
	return pos
}

// at returns the byte at pos, 0 behind the end.
func (x *jsonIndex) at(pos int) byte {
	if pos < len(x.doc) {
		return x.doc[pos]
	}
	return 0
}

func (x *jsonIndex) fault(pos int) error {
	return fmt.Errorf("index JSON: unexpected byte or end at %d", pos)
}
