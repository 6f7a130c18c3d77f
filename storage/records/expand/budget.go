package expand

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/sqlite"
)

// largestPage is how many records a page has at most.
const largestPage = 1000

// What the expand of one answer may take, whoever asked for it and whatever it belongs to: a page, a record, the answer to a
// write, a message. Records that name one another in many ways would make an answer that grows with the power of its depth:
// six steps over 300 records took 13 GB.
const (
	// MaxRecords is how many places of an answer expanded records may take: a hundred for each of the largest page.
	MaxRecords = 100 * largestPage
	// MaxBytes is how many bytes they may have in the answer: what a browser still takes in.
	MaxBytes = 32 << 20
	// MaxTime is how long they may be looked for. The largest that fits the other limits takes a tenth of it.
	MaxTime = 3 * time.Second
)

// bytesOfKey is about what the keys and brackets around a placed record take.
const bytesOfKey = 16

// limits is what is left for the expand of one answer. The zero value has nothing; it is used by one goroutine.
type limits struct {
	records int
	bytes   int
	until   time.Time
	ctx     context.Context
	steps   int // of what is counted, since the clock was looked at
	// share is charged for what is read and placed; kept is how much that is, taken what it was charged for.
	share       *budget.Share
	kept, taken int64
}

func newLimits(ctx context.Context, share *budget.Share) limits {
	return limits{records: MaxRecords, bytes: MaxBytes, ctx: ctx, share: share}
}

// piece is how much is taken of the share at once. Expands that are smaller, nearly all, are not worth counting.
const piece = 1 << 20

// keep counts bytes that stay in memory until the answer is made. It fails with a [*budget.FullError] where there is no room
// beside other answers, with a *[LimitError] where there is none for this one at any time.
func (b *limits) keep(bytes int) error {
	for b.kept += int64(bytes); b.kept >= b.taken+piece; b.taken += piece {
		err := b.share.Take(budget.ClientOf(b.ctx), piece)
		if full := (*budget.FullError)(nil); errors.As(err, &full) && b.taken+piece > full.Limit {
			return &LimitError{fmt.Sprintf("An expand may take at most %d MiB here.", full.Limit>>20)}
		}
		if err != nil {
			return fmt.Errorf("expand: %w", err)
		}
	}
	return nil
}

// release gives back what was taken, once the answer is made.
func (b *limits) release() {
	b.share.Give(budget.ClientOf(b.ctx), b.taken)
	b.kept, b.taken = 0, 0
}

// start begins the time.
func (b *limits) start() {
	if !b.begun() {
		b.until = time.Now().Add(MaxTime)
	}
}

// begun tells that the expand counts by now.
func (b *limits) begun() bool { return !b.until.IsZero() }

// stepsPerCheck is how much is done between two checks of the clock, some tenths of a millisecond of work.
const stepsPerCheck = 64

// step counts one piece of work, a row read or a list of records placed; now and then it looks whether there is still time
// and somebody who waits.
func (b *limits) step() error {
	if b.steps++; b.steps < stepsPerCheck {
		return nil
	}
	return b.check()
}

func (b *limits) check() error {
	b.steps = 0
	if !b.begun() {
		return nil
	}
	if time.Now().After(b.until) {
		return &LimitError{fmt.Sprintf("An expand may take at most %v.", MaxTime)}
	}
	if b.ctx == nil {
		return nil
	}
	if err := b.ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", sqlite.ErrInterrupted, err)
	}
	if gone, ok := b.ctx.Value(goneKey{}).(func() bool); ok && gone() {
		return fmt.Errorf("%w: nobody waits for the answer", sqlite.ErrInterrupted)
	}
	return nil
}

// fits fails when what has been read so far cannot all be placed any more.
func (b *limits) fits(records, bytes int) error {
	switch {
	case records > b.records:
		return errRecords
	case bytes > b.bytes:
		return errBytes
	}
	return b.step()
}

// place takes room for records that stand below one that is in the answer that often.
func (b *limits) place(times int, nodes []*Node) error {
	size := 0
	for _, n := range nodes {
		size += n.size() + bytesOfKey
	}
	b.records -= times * len(nodes)
	b.bytes -= times * size
	if err := b.fits(0, 0); err != nil {
		return err
	}
	return b.keep(times * size)
}

var (
	errRecords = &LimitError{fmt.Sprintf("An expand may add at most %d records.", MaxRecords)}
	errBytes   = &LimitError{fmt.Sprintf("An expand may add at most %d MiB.", MaxBytes>>20)}
)

type goneKey struct{}

// WithGone returns a context for the answer to somebody who may leave before it is made: gone tells that, and is asked now and
// then while much is read. It is called on the goroutine that reads.
func WithGone(ctx context.Context, gone func() bool) context.Context {
	return context.WithValue(ctx, goneKey{}, gone)
}
