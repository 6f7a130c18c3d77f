package rewrite

// A graph is the call graph: one node for each defined function, then one for each class of functions with equal signatures, which stands
// between a call through a table and every function that such a call may reach. That keeps the number of edges below the size of the file.
type graph struct {
	*scan
	first   []uint32 // where the members of each class begin
	members []uint32
}

func newGraph(s *scan) *graph {
	g := &graph{scan: s, first: make([]uint32, s.classes+1)}
	for i := range s.code {
		if s.taken[s.imported+i] {
			g.first[s.classOf(i)+1]++
		}
	}
	for c := range s.classes {
		g.first[c+1] += g.first[c]
	}
	g.members = make([]uint32, g.first[s.classes])
	at := append([]uint32(nil), g.first...)
	for i := range s.code {
		if s.taken[s.imported+i] {
			c := s.classOf(i)
			g.members[at[c]] = uint32(i)
			at[c]++
		}
	}
	return g
}

func (s *scan) classOf(i int) uint32 { return s.class[s.funcs[s.imported+i]] }

// callsOf returns the calls of a defined function.
func (s *scan) callsOf(i uint32) []call {
	end := uint32(len(s.calls))
	if int(i)+1 < len(s.code) {
		end = s.code[i+1].call
	}
	return s.calls[s.code[i].call:end]
}

// successor returns the n-th node that a node leads to.
func (g *graph) successor(node, n uint32) (uint32, bool) {
	if defined := uint32(len(g.code)); node >= defined {
		c := node - defined
		if from := g.first[c] + n; from < g.first[c+1] {
			return g.members[from], true
		}
		return 0, false
	}
	if calls := g.callsOf(node); n < uint32(len(calls)) {
		return calls[n].node, true
	}
	return 0, false
}

// components calls visit with each strongly connected component, those that are called before those that call (Tarjan's algorithm, with a
// stack of its own because call graphs can be deeper than a goroutine should be). The slice is valid during the call.
func (g *graph) components(visit func(nodes []uint32)) {
	n := len(g.code) + g.classes
	type frame struct{ node, next uint32 }
	var (
		number = make([]uint32, n) // order of discovery from 1; 0 is unseen
		low    = make([]uint32, n)
		open   = make([]bool, n)
		stack  []uint32
		path   []frame
		count  uint32
	)
	enter := func(v uint32) {
		count++
		number[v], low[v], open[v] = count, count, true
		stack = append(stack, v)
		path = append(path, frame{node: v})
	}
	for root := range uint32(n) {
		if number[root] == 0 {
			enter(root)
		}
		for len(path) > 0 {
			top := &path[len(path)-1]
			v := top.node
			if w, ok := g.successor(v, top.next); ok {
				top.next++
				if number[w] == 0 {
					enter(w)
				} else if open[w] {
					low[v] = min(low[v], number[w])
				}
				continue
			}
			path = path[:len(path)-1]
			if len(path) > 0 {
				caller := path[len(path)-1].node
				low[caller] = min(low[caller], low[v])
			}
			if low[v] < number[v] {
				continue
			}
			from := len(stack) - 1
			for stack[from] != v {
				from--
			}
			for _, w := range stack[from:] {
				open[w] = false
			}
			visit(stack[from:])
			stack = stack[:from]
		}
	}
}
