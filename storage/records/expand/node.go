package expand

import (
	"github.com/troupebase/troupe/storage/schema"
)

// Node is an encoded record that waits for its expand. Nodes of one level are shared: the records that name the same
// one in the same field point to the same node, so whatever is added to it shows below all of them.
type Node struct {
	c  *schema.Collection
	id string
	// json is the object without its expand, which belongs at split.
	json  []byte
	split int
	// late is a record of a collection whose user code has not seen it yet; json is made of it afterwards. Copies of a node share it.
	late Late
	// related are the ids in the relation columns of the plan.
	related  []Related
	branches []branch
	// times is how often the record stands in the answer, MaxRecords at most.
	times int32
	// begin and end are where the answer has the object already, with its expand. end is 0 before.
	begin, end int
	// expands tells that the record has the key "expand", even if there is nothing in it.
	expands bool
}

// Related is what a relation field of a node holds.
type Related struct {
	Field string
	IDs   []string
}

// Late is a record whose object is made after the expand, because user code has to see it first.
type Late interface {
	// Size is about how many bytes the object will have.
	Size() int
	// Object returns the object without its expand, and where that belongs, [NoSplit] for nowhere.
	Object() (json []byte, split int)
}

// NoSplit is where the expand of an object belongs that is to have none.
const NoSplit = -1

// NewNode returns a node for a record in memory. split is where in its object the key "expand" belongs.
func NewNode(c *schema.Collection, id string, json []byte, split int) *Node {
	return &Node{c: c, id: id, json: json, split: split}
}

// NewLateNode returns a node for a record in memory whose object is made later.
func NewLateNode(c *schema.Collection, id string, late Late) *Node {
	return &Node{c: c, id: id, late: late}
}

// Carry tells what relation fields of the record hold: those of [Answer.Relations].
func (n *Node) Carry(related []Related) { n.related = related }

// Forget takes everything away that was put below the record.
func (n *Node) Forget() { n.branches, n.expands = nil, false }

// branch is a key under "expand".
type branch struct {
	name  string
	many  bool // a list
	nodes []*Node
}

// size is how many bytes the object has without its expand; before user code saw the record it is what it would have
// without.
func (n *Node) size() int {
	if n.late != nil {
		return n.late.Size()
	}
	return len(n.json)
}

// ids returns what a relation field holds.
func (n *Node) ids(field string) []string {
	for i := range n.related {
		if n.related[i].Field == field {
			return n.related[i].IDs
		}
	}
	return nil
}

// branch returns the nodes under a key, nil when there is none.
func (n *Node) branch(name string) []*Node {
	for i := range n.branches {
		if n.branches[i].name == name {
			return n.branches[i].nodes
		}
	}
	return nil
}

// add puts records under a key. Without records there is no key.
func (n *Node) add(name string, many bool, nodes []*Node) {
	if len(nodes) == 0 {
		return
	}
	if !many {
		nodes = nodes[:1]
	}
	n.branches = append(n.branches, branch{name, many, nodes})
	for _, child := range nodes {
		child.times = min(child.times+n.times, MaxRecords)
	}
}

// appendTo writes the object with its expand in its place. An answer is written into one buffer, so that a record that stands
// in it more than once is a copy of its first place.
func (n *Node) appendTo(dst []byte) []byte {
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

func (n *Node) write(dst []byte) []byte {
	if n.late != nil {
		n.json, n.split = n.late.Object()
	}
	if !n.expands || n.split == NoSplit {
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
	return append(AppendNodes(append(dst, '['), b.nodes), ']')
}

// AppendNodes writes the objects of nodes with what is below them, separated by commas. All nodes of an answer are written into one
// buffer, dst.
func AppendNodes(dst []byte, nodes []*Node) []byte {
	for i, n := range nodes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = n.appendTo(dst)
	}
	return dst
}
