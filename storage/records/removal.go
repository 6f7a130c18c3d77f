package records

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

const (
	// maxTruncated is how many records a truncate takes at a time, which bounds the memory of a big one.
	maxTruncated = 200_000
	// maxCascades is how often a cascade is made anew because others wrote meanwhile; each finds less to add.
	maxCascades = 8
	// notedAtOnce is how many parts are noted in one unit: about half a megabyte.
	notedAtOnce = 100
	// pieceTime is how long a unit of a removal should take: what others wait for.
	pieceTime = 20 * time.Millisecond
	// maxPieceParts bounds a unit, whatever the clock says.
	maxPieceParts = 40
)

// Removal is a deletion in pieces. [Store.BeginRemoval] decides it: from then on it is certain to be done, also after a crash.
// [Removal.Step] does a piece; between the pieces others write. It is used by one goroutine at a time, and there is one at a time.
type Removal struct {
	s    *Store
	c    string // id of the collection
	now  time.Time
	g    *runningDeletion
	done chan struct{}

	parts int  // of the next piece
	more  bool // records of a truncated collection are left for another one
}

// target is a command whose deletion can be done in pieces.
type target interface {
	Command
	// roots adds the records that the command is about to a cascade. more tells that there are others.
	roots(cs *cascade) (more bool, err error)
	// allowed fails when the deletion is not to be done (any more).
	allowed(s *Store, cat *schema.Catalogue, tx *sqlite.Tx) error
}

// roots implements target.
func (cmd *Delete) roots(cs *cascade) (more bool, err error) {
	c, err := cmd.in.open(cs.cat, deleteRule)
	if err != nil {
		return false, err
	}
	n, err := cs.add(c, cmd.id)
	if err == nil {
		cs.deletes(n)
	}
	return false, err
}

// allowed implements target.
func (cmd *Delete) allowed(s *Store, cat *schema.Catalogue, tx *sqlite.Tx) error {
	if err := cmd.in.identify(s, cat, tx); err != nil {
		return err
	}
	c, err := cmd.in.open(cat, deleteRule)
	if err == nil {
		_, err = cmd.find(s, cat, tx, c)
	}
	return err
}

// BeginRemoval works out what a [Delete] or [Truncate] brings along, on a Reader, and decides it in a short unit. What is small enough
// is done by that unit; r is nil then. It fails with the errors of the command, with [ErrTooBig], or with sqlite.ErrBusy where others
// keep writing what belongs to the deletion, or another one is under way in another process: then nothing was done.
func (s *Store) BeginRemoval(ctx context.Context, cmd target) (r *Removal, err error) {
	begun := &Removal{s: s, c: cmd.collectionID(), now: time.Now(), done: make(chan struct{}), parts: 1}
	defer func() {
		if r == nil {
			begun.end()
		}
	}()
	cs, finished, err := begun.freeze(ctx, cmd)
	if err != nil || finished {
		return nil, err
	}
	if err := begun.note(ctx, cs, cmd); err != nil {
		return nil, err
	}
	return begun, nil
}

// freeze makes a cascade that is true, and keeps it true: from then on nobody else writes the records of the cascade. A cascade is true if
// nothing was written since its snapshot, or if all its records were kept from others before its snapshot. What is small is done.
func (r *Removal) freeze(ctx context.Context, cmd target) (cs *cascade, finished bool, err error) {
	reading := ctx
	for range maxCascades {
		var noted sqlite.Versions
		if cs, noted, err = r.cascade(reading, cmd); err != nil {
			return nil, false, err
		}
		reading = context.Background() // others wait from now on: the read is the server's own
		held, next := r.g, &runningDeletion{members: cs.members(), done: r.done}
		exact := false
		err = r.s.db.DoAlone(ctx, sqlite.WorkFunc(func(tx *sqlite.Tx) error {
			finished = false
			if err := r.hold(held, next); err != nil {
				return err
			}
			same := cs.cat == r.s.catalogue() && tx.Current(sqlite.Versions{"": noted[""]})
			exact = same && (tx.Current(noted) || held != nil && cs.within(held))
			if !exact {
				return nil
			}
			finished, err = r.atOnce(tx, cs, cmd)
			return err
		}))
		if err != nil || exact {
			return cs, finished, err
		}
	}
	return nil, false, fmt.Errorf("delete from %s: others keep writing what belongs to it: %w", cs.nodes[0].c.Name, sqlite.ErrBusy)
}

// hold keeps the records of a cascade from other units. The Writer calls it, maybe twice.
func (r *Removal) hold(held, next *runningDeletion) error {
	if now := r.s.running.Load(); now != held && now != next {
		return &BeingDeletedError{now.done}
	}
	r.s.running.Store(next)
	r.g = next
	return nil
}

// cascade works a cascade out on a snapshot. The versions were noted before that.
func (r *Removal) cascade(ctx context.Context, cmd target) (cs *cascade, noted sqlite.Versions, err error) {
	err = r.s.db.Read(ctx, func(on *sqlite.Reader) error {
		cat := r.s.catalogue()
		noted = r.s.versions(cat)
		if err := on.Snapshot(); err != nil {
			return err
		}
		cs = newCascade(cat, on)
		if r.more, err = cmd.roots(cs); err != nil {
			return err
		}
		return cs.close()
	})
	if err != nil {
		return nil, nil, err
	}
	for table := range noted {
		if table != "" && !cs.tables[table] {
			delete(noted, table)
		}
	}
	cs.p = nil
	return cs, noted, nil
}

// atOnce does all of a cascade that is small, or that has to be done in one unit: where triggers may refuse it.
func (r *Removal) atOnce(tx *sqlite.Tx, cs *cascade, cmd target) (done bool, err error) {
	if len(cs.nodes) > r.s.sizes.short {
		special, err := triggered(tx, cs.tables)
		if err != nil || !special {
			return false, err
		}
		if len(cs.nodes) > maxBounded {
			return false, fmt.Errorf("%w: more than %d from tables with triggers", ErrTooBig, maxBounded)
		}
	}
	if err := r.decide(tx, cs, cmd); err != nil {
		return false, err
	}
	changes, deletions := cs.parts(r.s.sizes.part)
	slices.Reverse(deletions) // as the plain deletion does it
	return true, r.apply(tx, slices.Concat(deletions, changes))
}

// decide asks for the last time whether the deletion is to be done.
func (r *Removal) decide(tx *sqlite.Tx, cs *cascade, cmd target) error {
	cat := r.s.catalogue()
	if err := cmd.allowed(r.s, cat, tx); err != nil {
		return err
	}
	for _, c := range cat.Collections {
		if c.IsSuperusers() && r.g.count(c.ID) > 0 {
			d := &deletion{s: r.s, cat: cat, tx: tx}
			return d.keepOneSuperuser(c, nil)
		}
	}
	return nil
}

// apply does parts.
func (r *Removal) apply(tx *sqlite.Tx, parts []removalPart) error {
	d := &deletion{s: r.s, cat: r.s.catalogue(), tx: tx, now: r.now, pieces: true}
	for _, part := range parts {
		if err := d.apply(part, r.g); err != nil {
			return err
		}
	}
	return nil
}
