package expand

import "github.com/troupebase/troupe/storage/schema"

// Rows gathers the records of one statement as nodes. Only one is in use at a time; [Rows.Nodes] ends it.
type Rows struct {
	x             *Answer
	size, counted int // bytes of the objects so far, and of those that the limits know of
}

// Rows begins to gather.
func (x *Answer) Rows() Rows {
	m := x.memory()
	m.rows = m.rows[:0]
	return Rows{x: x}
}

// Next is called for each row before it is added. While the answer is being expanded it counts what has been read, and fails with a
// *[LimitError], a *budget.FullError, or sqlite.ErrInterrupted.
func (r *Rows) Next() error {
	left := &r.x.left
	if !left.begun() {
		return nil
	}
	err := left.fits(len(r.x.mem.rows), r.size)
	if err == nil {
		err = left.keep(r.size - r.counted)
	}
	r.counted = r.size
	return err
}

// Related returns room for what n relation fields of a row hold.
func (r *Rows) Related(n int) []Related { return r.x.mem.related.take(n) }

// One returns a list of one id.
func (r *Rows) One(id string) []string {
	ids := r.x.mem.ids.take(1)
	ids[0] = id
	return ids
}

// Buffer is where the object of the next row is to be appended, for [Rows.Add].
func (r *Rows) Buffer() []byte { return r.x.mem.text }

// Add adds a record. text is the buffer with the record's object at its end, split is where in text its key "expand" belongs.
func (r *Rows) Add(c *schema.Collection, id string, related []Related, text []byte, split int) {
	m := r.x.mem
	begin := len(m.text)
	m.text = text
	n := r.node(c, id, related)
	n.json, n.split = text[begin:len(text):len(text)], split-begin
	r.size += len(n.json)
}

// AddLate adds a record whose object is made later, of about size bytes.
func (r *Rows) AddLate(c *schema.Collection, id string, related []Related, late Late, size int) {
	r.node(c, id, related).late = late
	r.size += size
}

func (r *Rows) node(c *schema.Collection, id string, related []Related) *Node {
	m := r.x.mem
	n := &m.nodes.take(1)[0]
	n.c, n.id, n.related = c, id, related
	m.rows = append(m.rows, n)
	return n
}

// Size is how many bytes the objects have so far.
func (r *Rows) Size() int { return r.size }

// Nodes returns what was added, in order.
func (r *Rows) Nodes() []*Node {
	m := r.x.mem
	nodes := m.lists.take(len(m.rows))
	copy(nodes, m.rows)
	return nodes
}
