package realtime

import (
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/records/expand"
)

// What topics may ask for is bounded in units of work: one is about what it costs to hand a message that is there to one
// client, one or two microseconds.
const (
	workTail   = 1  // a text of its own needs a message of its own
	workFields = 4  // fields are picked out of the encoded record
	workFilter = 16 // a filter is a query, and another 16 for every 64 bytes: that many conditions and joins it may have
	workExpand = 48 // each step of an expand is a query
	workRule   = 4  // the collection's rule, which the operator made: it is charged to nobody
	workBack   = 4  // a back relation multiplies what is found, so its path counts as many times
)

const (
	// MaxStreamWork is how much the topics of one stream on one collection, or on one record, may ask for with each change: 128
	// short filters, or 42 relations to expand. A page shows fewer.
	MaxStreamWork = 2048
	// MaxWork is the same for all clients, where equal topics of people who may see the same count once: 1,900 short filters, some 60 ms
	// of one core for each change. Writers of the collection wait while more than that is under way, nobody else does.
	MaxWork = 16 * MaxStreamWork
	// MaxClientWork is the same for all streams of one client address. It is a lot, as everybody may come through one proxy, or from one
	// school; it is not all, so that others have some left.
	MaxClientWork = MaxWork / 4 * 3
)

// LimitError says that a subscription asks for more work with each change than there is room for.
type LimitError struct {
	// Whose tells whose limit it is.
	Whose string
	// Key is the collection or record, as the topics name it.
	Key string
	// Max is the limit, Wanted what there would be.
	Max, Wanted int
}

// The values of LimitError.Whose.
const (
	OfStream = "stream"
	OfClient = "client"
	OfAll    = "all"
)

// Error implements error.
func (e *LimitError) Error() string {
	return fmt.Sprintf("realtime: filters, expands and fields of topics of %q ask for %d units of work with each change, the limit of %s is %d",
		e.Key, e.Wanted, e.Whose, e.Max)
}

// workOf estimates what judging one change for one audience of a topic costs beyond the rule, which is the operator's.
func workOf(t *topic, tail bool) int {
	work := 0
	if tail {
		work += workTail
	}
	if t.options.fields != "" {
		work += workFields
	}
	if f := t.options.filter; f != "" {
		one := workFilter * (1 + len(f)/64)
		if strings.Contains(f, "_via_") {
			one *= workBack
		}
		work += one
	}
	if t.options.expand != "" {
		cost := expand.CostOf(t.options.expand)
		one := workExpand * cost.Steps
		for range cost.Backs {
			one *= workBack
		}
		work += one
	}
	return work
}

const (
	// topicSize is what a topic keeps beside its texts: itself, its place in the index, an audience.
	topicSize = 640
	// pairSize is what an option keeps beside its texts.
	pairSize = 48
	// subscriptionSize is what it keeps that one client listens to one topic.
	subscriptionSize = 96
)

func sizeOf(t *topic) int64 {
	size := topicSize + len(t.text) + len(t.bucketKey)
	for _, list := range [2][]pair{t.options.query, t.options.headers} {
		for _, p := range list {
			size += pairSize + len(p.name) + len(p.value)
		}
	}
	return int64(size)
}

// streamWork fails with a *LimitError when one stream asks for too much of anything.
func streamWork(list []*topic) error {
	var sums map[string]int
	for _, t := range list {
		if t.work == 0 {
			continue
		}
		if sums == nil {
			sums = make(map[string]int)
		}
		sum := sums[t.bucketKey] + t.work
		if sum > MaxStreamWork {
			return &LimitError{Whose: OfStream, Key: t.bucketKey, Max: MaxStreamWork, Wanted: sum}
		}
		sums[t.bucketKey] = sum
	}
	return nil
}
