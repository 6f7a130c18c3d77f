package records

import (
	"github.com/troupebase/troupe/storage/schema"
)

// node is an encoded record that waits for its expand. Nodes of one level are shared: the records that name the same
// one in the same field point to the same node, so whatever is added to it shows below all of them.
type node struct {
	c  *schema.Collection
	id string
	// json is the object without its expand, which belongs at split.
	json  []byte
	split int
	// pending is the record of a collection whose user code has not seen it yet; json is made of it afterwards. Copies of
	// a node share it.
	pending *pending
	// related are the ids in the relation columns of the plan.
	related  []related
	branches []branch
	// times is how often the record stands in the answer, MaxExpandRecords at most.
	times int32
	// begin and end are where the answer has the object already, with its expand. end is 0 before.
	begin, end int
	// expands tells that the record has the key "expand", even if there is nothing in it.
	expands bool
}

// related is what a relation field of a node holds.
type related struct {
	field string
	ids   []string
}

// branch is a key under "expand".
type branch struct {
	name  string
	many  bool // a list
	nodes []*node
}

// size is how many bytes the object has without its expand; before user code saw the record it is what it would have
// without.
func (n *node) size() int {
	if n.pending != nil {
		return n.pending.size()
	}
	return len(n.json)
}

// ids returns what a relation field holds.
func (n *node) ids(field string) []string {
	for i := range n.related {
		if n.related[i].field == field {
			return n.related[i].ids
		}
	}
	return nil
}

// branch returns the nodes under a key, nil when there is none.
func (n *node) branch(name string) []*node {
	for i := range n.branches {
		if n.branches[i].name == name {
			return n.branches[i].nodes
		}
	}
	return nil
}

// add puts records under a key. Without records there is no key.
func (n *node) add(name string, many bool, nodes []*node) {
	if len(nodes) == 0 {
		return
	}
	if !many {
		nodes = nodes[:1]
	}
	n.branches = append(n.branches, branch{name, many, nodes})
	for _, child := range nodes {
		child.times = min(child.times+n.times, MaxExpandRecords)
	}
}

// appendTo writes the object with its expand in its place. An answer is written into one buffer, so that a record that stands
// in it more than once is a copy of its first place.
func (n *node) appendTo(dst []byte) []byte {
	if n.end > 0 {
		return append(dst, dst[n.begin:n.end]...)
	}
	begin := len(dst)
	dst = n.write(dst)
	if n.times > 1 {
		n.begin, n.end = begin, len(dst)
	}
	return dst
}

func (n *node) write(dst []byte) []byte {
	if n.pending != nil {
		n.json, n.split = n.pending.json, n.pending.split
	}
	if !n.expands {
		return append(dst, n.json...)
	}
	dst = append(dst, n.json[:n.split]...)
	if n.split > 1 {
		dst = append(dst, ',')
	}
	dst = append(dst, `"expand":{`...)
	for i := range n.branches {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = n.branches[i].appendTo(dst)
	}
	dst = append(dst, '}')
	if rest := n.json[n.split:]; n.split == 1 && len(rest) > 1 {
		dst = append(dst, ',')
	}
	return append(dst, n.json[n.split:]...)
}

func (b *branch) appendTo(dst []byte) []byte {
	dst = append(schema.AppendJSONString(dst, b.name), ':')
	if !b.many {
		return b.nodes[0].appendTo(dst)
	}
	return append(appendNodes(append(dst, '['), b.nodes), ']')
}

func appendNodes(dst []byte, nodes []*node) []byte {
	for i, n := range nodes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = n.appendTo(dst)
	}
	return dst
}
