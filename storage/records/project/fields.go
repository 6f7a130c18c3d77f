package project

import (
	"bytes"
	"slices"

	"github.com/troupebase/troupe/storage/schema"
)

// Fields appends to dst what the value of the query parameter "fields" leaves of doc, a JSON answer, and returns the
// extended buffer. Of a page only the items are projected, of a list each element, of everything else the object itself;
// whatever is kept has its keys in byte order and no blanks. dst must not overlap doc; neither is kept.
//
// It fails with [ErrFields] when fields cannot be read and with another error when doc is no JSON, dst is then returned
// as it was.
func Fields(dst, doc []byte, fields string) ([]byte, error) {
	sel, err := parseFields(fields)
	if err != nil {
		return dst, err
	}
	x, err := indexJSON(doc)
	if err != nil {
		return dst, err
	}
	p := projection{jsonIndex: x}
	if sel == nil {
		return p.whole(dst, 0), nil
	}
	if p.isPage() {
		return p.page(dst, sel), nil
	}
	return p.deeper(dst, 0, sel), nil
}

// projection writes parts of an indexed document.
type projection struct {
	*jsonIndex
	// members is the scratch space of the objects being written, used like a stack.
	members []member
}

// member is a key of an object and the number of its value.
type member struct {
	key   []byte // decoded
	value int
}

// The keys of a page in byte order.
var pageKeys = [...]string{"items", "page", "perPage", "totalItems", "totalPages"}

// isPage tells whether the document is a page of a list: an object with the keys of a page and no others, so that a
// record with a field "items" is none.
func (p *projection) isPage() bool {
	if p.kind(0) != '{' {
		return false
	}
	base := len(p.members)
	list := p.list(0)
	page := len(list) == len(pageKeys)
	for i := 0; page && i < len(list); i++ {
		page = string(list[i].key) == pageKeys[i]
	}
	page = page && p.kind(list[0].value) == '['
	p.members = p.members[:base]
	return page
}

func (p *projection) page(dst []byte, sel *selection) []byte {
	dst = append(dst, '{')
	for i, m := range p.list(0) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(p.appendKey(dst, m), ':')
		if string(m.key) == "items" {
			dst = p.deeper(dst, m.value, sel)
		} else {
			dst = p.whole(dst, m.value)
		}
	}
	return append(dst, '}')
}

// value appends what sel leaves of value i.
func (p *projection) value(dst []byte, i int, sel *selection) []byte {
	if !sel.whole {
		return p.deeper(dst, i, sel)
	}
	if sel.excerpt != nil && p.kind(i) == '"' {
		return schema.AppendJSONString(dst, sel.excerpt.of(p.text(i)))
	}
	return p.whole(dst, i)
}

// deeper appends value i with the keys in sel, or all of it where there is nothing to choose from: scalars, and the
// elements of lists that are no objects.
func (p *projection) deeper(dst []byte, i int, sel *selection) []byte {
	switch p.kind(i) {
	case '{':
		return p.object(dst, i, sel)
	case '[':
		dst = append(dst, '[')
		for e := p.first(i); e < p.after(i); e = p.after(e) {
			if e > p.first(i) {
				dst = append(dst, ',')
			}
			if p.kind(e) == '{' {
				dst = p.object(dst, e, sel)
			} else {
				dst = p.whole(dst, e)
			}
		}
		return append(dst, ']')
	}
	return append(dst, p.raw(i)...)
}

// whole appends value i with all its keys.
func (p *projection) whole(dst []byte, i int) []byte {
	switch p.kind(i) {
	case '{':
		return p.object(dst, i, nil)
	case '[':
		dst = append(dst, '[')
		for e := p.first(i); e < p.after(i); e = p.after(e) {
			if e > p.first(i) {
				dst = append(dst, ',')
			}
			dst = p.whole(dst, e)
		}
		return append(dst, ']')
	}
	return append(dst, p.raw(i)...)
}

// object appends the members of object i that sel names, all of them when sel is nil.
func (p *projection) object(dst []byte, i int, sel *selection) []byte {
	base := len(p.members)
	list := p.list(i)
	dst = append(dst, '{')
	empty := true
	for _, m := range list {
		var inner *selection
		if sel != nil {
			if inner = sel.of(m.key); inner == nil {
				continue
			}
		}
		if !empty {
			dst = append(dst, ',')
		}
		empty = false
		dst = append(p.appendKey(dst, m), ':')
		if sel == nil {
			dst = p.whole(dst, m.value)
		} else {
			dst = p.value(dst, m.value, inner)
		}
	}
	p.members = p.members[:base]
	return append(dst, '}')
}

// list returns the members of object i in byte order of their keys; of several with one key the last. They are at the
// end of p.members, where the caller takes them away again.
func (p *projection) list(i int) []member {
	base := len(p.members)
	sorted := true
	for k := p.first(i); k < p.after(i); k = p.after(k + 1) {
		m := member{key: p.key(k), value: k + 1}
		if n := len(p.members); n > base && bytes.Compare(p.members[n-1].key, m.key) >= 0 {
			sorted = false
		}
		p.members = append(p.members, m)
	}
	if !sorted {
		list := p.members[base:]
		slices.SortStableFunc(list, func(a, b member) int { return bytes.Compare(a.key, b.key) })
		kept := list[:0]
		for n, m := range list {
			if n+1 == len(list) || !bytes.Equal(m.key, list[n+1].key) {
				kept = append(kept, m)
			}
		}
		p.members = p.members[:base+len(kept)]
	}
	return p.members[base:]
}

func (p *projection) appendKey(dst []byte, m member) []byte { return append(dst, p.raw(m.value-1)...) }
