package rewrite

const (
	// freeCost is how many bytes of code a function may run through, with what it calls, without counting at its entry. Its callers
	// count it instead. Small helpers are called often and compile to little more than the count itself.
	freeCost = 1024
	// unitShift makes the cost of a region units of fuel: a unit is what up to 512 bytes of code do, well under a microsecond.
	unitShift = 9
	// maxCharge bounds what one count takes.
	maxCharge = 1 << 16
)

// A plan says what is added to each function.
type plan struct {
	*scan
	cyclic  []bool // functions that may, by way of others, call themselves
	counted []bool // functions that count at their entry
	hot     []bool // functions with a loop that calls nothing
}

func newPlan(s *scan) *plan {
	g := newGraph(s)
	n := len(s.code) + s.classes
	p := &plan{scan: s, cyclic: make([]bool, n), counted: make([]bool, len(s.code)), hot: make([]bool, len(s.code))}
	cost := make([]uint64, n) // what a caller has to count for a node
	g.components(func(nodes []uint32) {
		if len(nodes) > 1 || g.callsItself(nodes[0]) {
			for _, v := range nodes {
				p.cyclic[v] = true
			}
		}
		for _, v := range nodes {
			cost[v] = p.settle(g, v, cost)
		}
	})
	return p
}

func (g *graph) callsItself(v uint32) bool {
	if int(v) >= len(g.code) {
		return false
	}
	for _, c := range g.callsOf(v) {
		if c.node == v {
			return true
		}
	}
	return false
}

// settle completes the costs of a node's regions and decides whether it counts itself. All that it calls and that is not on a cycle with it
// is settled already; functions on a cycle always count themselves and cost their callers nothing.
func (p *plan) settle(g *graph, v uint32, cost []uint64) uint64 {
	if defined := uint32(len(p.code)); v >= defined {
		most := uint64(0)
		for _, member := range g.members[g.first[v-defined]:g.first[v-defined+1]] {
			most = max(most, cost[member])
		}
		return most
	}
	p.hot[v] = p.code[v].hot
	for _, c := range p.callsOf(v) {
		p.regions[c.region].cost += cost[c.node]
	}
	f := &p.code[v]
	if own := p.regions[f.region].cost; !p.cyclic[v] && own <= freeCost {
		return own
	}
	if f.leads {
		// The header of the loop counts for the entry as well.
		p.regions[f.region+1].cost += p.regions[f.region].cost
	}
	p.counted[v] = true
	return 0
}

// charge is what passing the beginning of a region takes from the fuel.
func (p *plan) charge(region uint32) int32 {
	return int32(min(1+p.regions[region].cost>>unitShift, maxCharge))
}
