package rewrite

const (
	// freeCost is how many bytes of code a function may run through, with what it calls, without counting at its entry. Its callers
	// count it instead. Small helpers are called often and compile to little more than the count itself.
	freeCost = 1024
	// unitShift makes the cost of a region units of fuel: a unit is what up to 4 KiB of code do, a microsecond at most. Most regions are one unit.
	unitShift = 12
	// maxCharge bounds what one count takes.
	maxCharge = 1 << 15
	// weightShift makes the size of a function the weight of its frame. The compiler has a slot in the frame for every value that it moves out of
	// a register, so large functions can have large frames; 32 KiB of code seldom have more than 8 KiB.
	weightShift = 15
)

// A metering says what is added to each function so that it uses up fuel and depth.
type metering struct {
	*scan
	limit   uint32 // of the depth
	cyclic  []bool // functions that may, by way of others, call themselves
	counted []bool // functions that count at their entry
}

func newMetering(s *scan, limit uint32) *metering {
	g := newGraph(s)
	n := len(s.code) + s.classes
	m := &metering{scan: s, limit: limit, cyclic: make([]bool, n), counted: make([]bool, len(s.code))}
	cost := make([]uint64, n) // what a caller has to count for a node
	g.components(func(nodes []uint32) {
		if len(nodes) > 1 || g.callsItself(nodes[0]) {
			for _, v := range nodes {
				m.cyclic[v] = true
			}
		}
		for _, v := range nodes {
			cost[v] = m.settle(g, v, cost)
		}
	})
	return m
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
func (m *metering) settle(g *graph, v uint32, cost []uint64) uint64 {
	if defined := uint32(len(m.code)); v >= defined {
		most := uint64(0)
		for _, member := range g.members[g.first[v-defined]:g.first[v-defined+1]] {
			most = max(most, cost[member])
		}
		return most
	}
	for _, c := range m.callsOf(v) {
		m.regions[c.region].cost += cost[c.node]
	}
	f := &m.code[v]
	if own := m.regions[f.region].cost; !m.cyclic[v] && own <= freeCost {
		return own
	}
	entry := f.region
	if f.leads {
		// The header of the loop counts for the entry as well.
		m.regions[entry+1].cost += m.regions[entry].cost
		entry++
	}
	m.regions[entry].cost = max(m.regions[entry].cost, uint64(m.weight(int(v)))<<unitShift)
	m.counted[v] = true
	return 0
}

// charge is what passing the beginning of a region takes from the fuel.
func (m *metering) charge(region uint32) int32 {
	return int32(min(1+m.regions[region].cost>>unitShift, maxCharge))
}

// weight is by how much a function raises the depth: 1 if it is of a usual size, 0 if it cannot call itself. The charge of its
// entry is made no smaller. It is at most half of the limit, so that every function can be called.
func (m *metering) weight(i int) int32 {
	if !m.cyclic[i] {
		return 0
	}
	return int32(min(1+uint32(len(m.code[i].body))>>weightShift, max(m.limit/2, 1)))
}
