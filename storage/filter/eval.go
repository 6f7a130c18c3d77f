package filter

import "github.com/troupebase/troupe/storage/schema"

// Eval decides a rule about one record in memory, when it can: own columns and @request values are enough, and SQLite
// would come to the same result for the very values. values are those of the record by field position, as
// [schema.Field.Bind] would store them.
//
// decided is false when it takes the database (related records, back relations, @collection, functions, columns of the
// signed-in record that are not at hand), when only SQLite knows the exact result, and when the expression is invalid:
// then nothing is said about met. Nobody's expression but an operator's may be evaluated, see [Rule].
//
// Eval is safe for concurrent use. It does not allocate for plain comparisons of texts and numbers.
func Eval(e *Expr, c *schema.Collection, values []schema.Value, req *Request) (met, decided bool) {
	if c.IsView() || len(values) != len(c.Fields) {
		return false, false
	}
	ev := evaluation{collection: c, values: values, req: req}
	result := ev.group(e.items)
	// Every list is known after the first round, because no comparison is skipped. The rows are then tried as a join
	// makes them: one is enough.
	for result != yes && result != undecided && ev.next() {
		result = ev.group(e.items)
	}
	return result == yes, result != undecided
}

// evaluation is the state of one Eval.
type evaluation struct {
	collection *schema.Collection
	values     []schema.Value
	req        *Request
	lists      []*list
}

// list is what ":each" goes over: a join of the query, shared by all comparisons that name it.
type list struct {
	key   string
	cells []cell // never empty: without an item there is a NULL
	at    int    // the item of the current row
}

// Bounds of what is tried in memory: rows of joined lists, and pairs of a comparison of two lists.
const (
	maxEvalRows  = 256
	maxEvalPairs = 4096
)

// next goes on to the next row of the joined lists.
func (e *evaluation) next() bool {
	for _, l := range e.lists {
		if l.at++; l.at < len(l.cells) {
			return true
		}
		l.at = 0
	}
	return false
}

// use returns the list under a key, which is made at its first use. It fails when there would be too many rows.
func (e *evaluation) use(key string, items func() ([]cell, bool)) (*list, bool) {
	for _, l := range e.lists {
		if l.key == key {
			return l, true
		}
	}
	cells, ok := items()
	if !ok {
		return nil, false
	}
	if len(cells) == 0 {
		cells = make([]cell, 1)
	}
	rows := len(cells)
	for _, l := range e.lists {
		rows *= len(l.cells)
	}
	if rows > maxEvalRows {
		return nil, false
	}
	l := &list{key: key, cells: cells}
	e.lists = append(e.lists, l)
	return l, true
}

// group is an OR of ANDs, as SQL reads a chain of both.
func (e *evaluation) group(items []item) truth {
	any, all := no, yes
	for i := range items {
		it := &items[i]
		if i > 0 && it.or {
			any, all = any.or(all), yes
		}
		var t truth
		if it.comparison != nil {
			t = e.comparison(it.comparison)
		} else {
			t = e.group(it.group)
		}
		if t == undecided {
			return undecided
		}
		all = all.and(t)
	}
	return any.or(all)
}

// comparison is [Builder.comparison] for values.
func (e *evaluation) comparison(c *comparison) truth {
	pattern := c.op.sign == "~" || c.op.sign == "!~"
	left, ok := e.operand(&c.left, false)
	if !ok {
		return undecided
	}
	right, ok := e.operand(&c.right, pattern)
	if !ok {
		return undecided
	}
	t := verdict(c.op.sign, &left, &right)
	if !c.op.any && (left.many || right.many) {
		t = t.and(noneFails(c.op.sign, left, right))
	}
	return t
}

// noneFails is [Builder.noneFails] for values.
func noneFails(sign string, left, right side) truth {
	lefts, rights := left.each(), right.each()
	if len(lefts)*len(rights) > maxEvalPairs {
		return undecided
	}
	for _, l := range lefts {
		for _, r := range rights {
			switch verdict(sign, &l, &r) {
			case no:
				return no
			case undecided:
				return undecided
			}
		}
	}
	return yes
}

// each returns the side for all of its values.
func (s side) each() []side {
	if !s.many {
		return []side{s}
	}
	all := make([]side, len(s.list.cells))
	for i, c := range s.list.cells {
		all[i] = s
		all[i].cell = c
	}
	return all
}
