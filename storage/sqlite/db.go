package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/internal/routine"
)

// DB is an open database file. All methods are safe for concurrent use.
type DB struct {
	options  Options
	queue    queue
	writer   *writer
	pool     *pool
	gate     gate
	versions versions
	counts   counts

	stopClock chan struct{}
	closing   sync.Once
	closeErr  error
}

// Open opens or creates the file and starts the Writer. Close it when done.
func Open(ctx context.Context, o Options) (*DB, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open %s: %w", o.Path, err)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.ReadLimit <= 0 {
		o.ReadLimit = defaultReadLimit
	}
	db := &DB{options: o, stopClock: make(chan struct{})}
	db.queue.wake = make(chan struct{}, 1)
	db.writer = newWriter(db)
	if err := db.writer.start(); err != nil {
		return nil, err
	}
	db.pool = newPool(db, runtime.GOMAXPROCS(0))
	db.start("Writer", db.writer.run)
	db.start("watchdog", db.pool.guardReads)
	db.start("clock", db.clock)
	return db, nil
}

// logLeft reports whether there is a write-ahead log with something in it.
func (db *DB) logLeft() bool {
	info, err := os.Stat(db.options.Path + "-wal")
	return err == nil && info.Size() > 0
}

// start runs f on a goroutine that survives f's panics: f is run again, since nothing works without it.
func (db *DB) start(name string, f func()) {
	routine.Go(func() {
		for {
			err := routine.Guard(func() error { f(); return nil })
			if err == nil {
				return
			}
			db.report(name, err)
		}
	}, func(p *routine.Panic) { db.report(name, p) })
}

// Close refuses further work, finishes what was accepted, waits for reads (interrupting those that take longer than three seconds), moves the
// write-ahead log into the file and closes it. Calling it again returns the same error.
func (db *DB) Close() error {
	db.closing.Do(func() {
		db.queue.close()
		<-db.writer.done
		close(db.stopClock)
		err := db.pool.close()
		if c := db.writer.conn; c != nil {
			if db.writer.unsettled {
				err = errors.Join(err, c.keepLog())
			} else {
				err = errors.Join(err, c.run("PRAGMA wal_checkpoint(TRUNCATE)"))
			}
			err = errors.Join(err, c.close())
		}
		if err != nil {
			db.closeErr = fmt.Errorf("close %s: %w", db.options.Path, err)
		}
	})
	return db.closeErr
}

// clock reminds the Writer of foreign writes and answers queued units whose deadline passed while the Writer was busy.
func (db *DB) clock() {
	sweep := time.NewTicker(sweepInterval)
	defer sweep.Stop()
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		select {
		case now := <-sweep.C:
			for _, u := range db.queue.sweep(now) {
				db.answer(u, ErrNotWritten)
			}
		case <-look.C:
			select {
			case db.writer.look <- struct{}{}:
			default:
			}
		case <-db.stopClock:
			return
		}
	}
}

// report logs what nobody can be answered with.
func (db *DB) report(what string, err error) {
	if err == nil {
		return
	}
	attrs := []any{"file", db.options.Path, "error", err}
	if p := (*routine.Panic)(nil); errors.As(err, &p) {
		attrs = append(attrs, "stack", string(p.Stack))
	}
	db.options.Logger.Error("sqlite: "+what, attrs...)
}

// answer tells u's caller how it ended.
func (db *DB) answer(u *Unit, err error) {
	err = Classify(err)
	if u.Done != nil {
		db.report("answer a unit", routine.Guard(func() error { u.Done(err); return nil }))
	}
}

// Submit queues u. It fails with [ErrBusy] when the queue is full and with [ErrClosed]; Done is not called then.
func (db *DB) Submit(u *Unit) error {
	db.pool.active.Store(int64(db.pool.now())) // long reads make room for the Writer, too
	return db.queue.push(u)
}

// Do queues w as a unit of its own source and waits for its outcome. When ctx ends before the unit began, it is removed and the error
// is [ErrNotWritten]; once begun, the outcome is waited for.
func (db *DB) Do(ctx context.Context, w Work) error { return db.wait(ctx, &Unit{Work: w}) }

// DoAlone is [DB.Do] for work that has a group of its own, see [Unit].
func (db *DB) DoAlone(ctx context.Context, w Work) error {
	return db.wait(ctx, &Unit{Work: w, Alone: true})
}

// Waiting is how many units wait for the Writer.
func (db *DB) Waiting() int { return db.queue.waiting() }

// wait submits u and waits. It sets Done.
func (db *DB) wait(ctx context.Context, u *Unit) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotWritten, err)
	}
	outcome := make(chan error, 1)
	u.Done = func(err error) { outcome <- err }
	if err := db.Submit(u); err != nil {
		return err
	}
	select {
	case err := <-outcome:
		return err
	case <-ctx.Done():
		if u.remove() {
			return fmt.Errorf("%w: %w", ErrNotWritten, ctx.Err())
		}
		return <-outcome
	}
}

// Change runs a change of the schema: alone, in one transaction. After COMMIT, before any Reader sees the new tables, swap is called; the catalogue is
// replaced there. swap must not read or write. All versions are raised. Reads under way are run again afterwards, see [DB.Read]. Like any [Work],
// apply may be run twice.
func (db *DB) Change(ctx context.Context, apply func(tx *Tx) error, swap func()) error {
	if swap == nil {
		swap = func() {}
	}
	work := WorkFunc(func(tx *Tx) error {
		tx.wrote = true // a change of the schema need not change a row
		return apply(tx)
	})
	return db.wait(ctx, &Unit{Work: work, Alone: true, swap: swap})
}

// Settled returns nil when no crash can bring back what was taken for not written, or take away what Readers see. That is so nearly always; only after a
// failure of the disk, or a start after a crash, it may have to be made so first. Whoever removes something for good because of what is in
// the file asks before.
func (db *DB) Settled(ctx context.Context) error {
	return db.Do(ctx, WorkFunc(func(*Tx) error { return nil })) // begins with settling
}

// Maintain lends the Writer's connection outside a transaction, for what cannot run inside one: VACUUM, wal_checkpoint, optimize. All
// writes wait meanwhile. Versions are not raised, so fn must not change data.
func (db *DB) Maintain(ctx context.Context, fn func(conn *zsqlite.Conn) error) error {
	return db.wait(ctx, &Unit{Alone: true, outside: func(c *connection) error { return fn(c.Conn) }})
}
