package budget

import "fmt"

const (
	// part is the part of the memory at hand that strangers may fill: the rest is for caches of the database, for
	// garbage that is not yet collected, which is as much again, and for extensions.
	part = 4
	// most is how much they may fill however much memory there is. Twice that and the caches of 32 Readers stay below 512 MiB.
	most = 160 << 20
	// least keeps a server useful on a machine that says it has next to nothing.
	least = 16 << 20
)

// Budget is how many bytes strangers may make the process keep. Make one with [New] or [FromMemory]. It is immutable.
type Budget struct{ total int64 }

// New returns a budget of total bytes.
func New(total int64) *Budget { return &Budget{total} }

// FromMemory returns the budget for a process that may use memory bytes, as [Memory] tells them.
func FromMemory(memory int64) *Budget { return New(min(max(memory/part, least), most)) }

// Given returns the budget for a process that its operator gave memory bytes: unlike with [FromMemory] it grows with them, as that much was
// meant.
func Given(memory int64) *Budget { return New(max(memory/part, least)) }

// Total returns the bytes of the whole budget.
func (b *Budget) Total() int64 { return b.total }

// Share returns a new part of the budget: percent of its bytes in all, of which one client may take clientPercent. Both are from 1 to
// 100. The name says in messages and logs what the bytes are for, such as "topics". Whoever cuts a budget up sees to it that the parts of
// one budget are not more than 100.
func (b *Budget) Share(name string, percent, clientPercent int) *Share {
	limit := b.total * int64(percent) / 100
	return &Share{name: name, limit: limit, perClient: limit * int64(clientPercent) / 100, clients: make(map[string]int64)}
}

// FullError says that bytes were not there to be taken.
type FullError struct {
	// Share is the name of the share.
	Share string
	// Client tells that the client's own part is used up, and not the whole share.
	Client bool
	// Limit is how many bytes that part or share has.
	Limit int64
	// Wanted is how many were asked for.
	Wanted int64
}

// Error implements error.
func (e *FullError) Error() string {
	whose := "all clients"
	if e.Client {
		whose = "one client"
	}
	return fmt.Sprintf("no room for %d bytes of %s: %s may keep %d bytes", e.Wanted, e.Share, whose, e.Limit)
}

// Never tells that the request can not be met at any time: it asks for more than the part or share has.
func (e *FullError) Never() bool { return e.Wanted > e.Limit }
