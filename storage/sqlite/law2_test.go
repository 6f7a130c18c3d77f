package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite/faultfs"
)

// Law 2: what was answered is so, whatever the disk does and whenever the power goes. The faults come from below SQLite.

// failing is one way in which the disk fails while a group is committed.
type failing struct {
	fault faultfs.Fault
	lasts lasting
	rig
}

var losses = map[string]faultfs.Loss{"dropped": faultfs.Dropped, "kept": faultfs.Kept, "torn": faultfs.Torn}

// rig is where it fails.
type rig struct {
	units  int  // in the group
	reader bool // a reader keeps the log's index alive
	sync   SyncMode
	shared bool // the units hold user code
}

// lasting says what goes on failing until the group was answered.
type lasting string

const (
	once    lasting = "once"    // nothing
	writing lasting = "writing" // what writes and syncs
	always  lasting = "always"  // opening files, too
)

func (l lasting) has(op faultfs.Op) bool {
	return l == always || l == writing && op != faultfs.Open && op != faultfs.ShmMap && op != faultfs.Delete
}

func (f failing) String() string {
	name := map[faultfs.Fault]string{faultfs.IO: "io", faultfs.Full: "full", faultfs.ShortIO: "short-io", faultfs.ShortFull: "short-full", faultfs.Late: "late"}[f.fault]
	if f.shared {
		name += ",shared"
	}
	return fmt.Sprintf("%s,%s,units=%d,reader=%v,%s", name, f.lasts, f.units, f.reader, f.sync)
}

func failings() (all []failing) {
	for _, fault := range []faultfs.Fault{faultfs.IO, faultfs.Full, faultfs.ShortIO, faultfs.ShortFull, faultfs.Late} {
		for _, lasts := range []lasting{once, writing, always} {
			for _, units := range []int{1, 3} {
				for _, reader := range []bool{true, false} {
					if lasts == always && fault != faultfs.IO {
						continue // other files only fail in one way
					}
					all = append(all, failing{fault, lasts, rig{units: units, reader: reader, sync: Full}})
					if reader && units == 3 {
						all = append(all, failing{fault, lasts, rig{units: units, reader: reader, sync: Full, shared: true}})
					}
				}
			}
		}
	}
	return append(all, failing{faultfs.IO, once, rig{units: 1, sync: Normal}}, failing{faultfs.ShortFull, writing, rig{units: 3, reader: true, sync: Normal}})
}

// stride is how far a test of all cases goes from one to the next: to each, but under the race detector to the nth.
func stride(n int) int {
	if raceDetector {
		return n
	}
	return 1
}

func TestLaw2_FaultsAtEachStep(t *testing.T) { faultsAtEachStep(t) }

// The continuous integration runs tests under the race detector, where only a sample is looked at, and sieges without.
func TestLaw2_SiegeOfFaults(t *testing.T) {
	if os.Getenv("TROUPE_SIEGE") == "" {
		t.Skip("TROUPE_SIEGE is not set")
	}
	faultsAtEachStep(t)
	TestLaw2_PowerGoesWhileFindingOut(t)
}

func faultsAtEachStep(t *testing.T) {
	all := failings()
	for i := 0; i < len(all); i += stride(6) {
		f := all[i]
		t.Run(f.String(), func(t *testing.T) {
			t.Parallel()
			steps := atEachStep(t, f.rig, func(step int) (func(faultfs.Call) faultfs.Fault, func(id int, err error)) {
				fail := func(c faultfs.Call) faultfs.Fault {
					if c.N == step || c.N > step && f.lasts.has(c.Op) {
						return f.fault
					}
					return faultfs.None
				}
				return fail, func(id int, err error) {
					if f.lasts == once && errors.Is(err, ErrOutcomeUnknown) {
						t.Errorf("step %d: the disk failed once, and %d was answered: %v", step, id, err)
					}
				}
			})
			if steps < 4 {
				t.Errorf("a commit has only %d steps", steps)
			}
		})
	}
}

// A disk that is full takes what needs no room. That is enough to know, and to say so.
func TestLaw2_FullDisk(t *testing.T) {
	for _, fault := range []faultfs.Fault{faultfs.Full, faultfs.ShortFull} {
		for _, reader := range []bool{true, false} {
			full := 0
			atEachStep(t, rig{units: 3, reader: reader, sync: Full}, func(step int) (func(faultfs.Call) faultfs.Fault, func(id int, err error)) {
				fail := func(c faultfs.Call) faultfs.Fault {
					if c.N >= step && c.Grows {
						return fault
					}
					return faultfs.None
				}
				return fail, func(id int, err error) {
					if err == nil {
						return
					}
					if full++; !errors.Is(err, ErrDiskFull) || errors.Is(err, ErrOutcomeUnknown) {
						t.Errorf("step %d: %d was answered: %v", step, id, err)
					}
				}
			})
			if full < 3 && !raceDetector {
				t.Errorf("the disk was full for %d units only", full)
			}
		}
	}
}

// That there was no room may show in the sync only, where blocks are found late.
func TestLaw2_FullDiskShowsInTheSync(t *testing.T) {
	for fault, full := range map[faultfs.Fault]bool{faultfs.Full: true, faultfs.IO: false} {
		disk := newDisk(t)
		db := openTest(t, onDisk(disk, Options{}), tableT)
		done := false
		disk.Inject(func(c faultfs.Call) faultfs.Fault {
			if c.Op != faultfs.Sync || done {
				return faultfs.None
			}
			done = true
			return fault
		})
		if err := db.Do(t.Context(), insert(1)); errors.Is(err, ErrDiskFull) != full || errors.Is(err, ErrOutcomeUnknown) || err == nil {
			t.Errorf("full %v: answered %v", full, err)
		}
		if err := errors.Join(db.Close(), disk.Close()); err != nil {
			t.Error(err)
		}
	}
}

// atEachStep commits a group for each step of a commit, on a disk that fails from there on as fail says, has each answer checked, and takes the
// power away. It returns the number of steps.
func atEachStep(t *testing.T, r rig, fail func(step int) (inject func(faultfs.Call) faultfs.Fault, check func(id int, err error))) (steps int) {
	for step := 1; ; step += stride(4) {
		inject, check := fail(step)
		if !failAt(t, r, step, inject, check) {
			return step - 1
		}
		if t.Failed() {
			t.Fatalf("at step %d", step)
		}
	}
}

// failAt returns false when a commit has no such step.
func failAt(t *testing.T, r rig, step int, inject func(faultfs.Call) faultfs.Fault, check func(id int, err error)) bool {
	disk := newDisk(t)
	var announced uint64
	unknown := false
	db := openTest(t, onDisk(disk, Options{Sync: r.sync, Committed: func(g Group) {
		if g.Seq <= announced || g.Seq > announced+1 && !unknown { // what was not known may have got its numbers
			t.Errorf("number %d follows %d", g.Seq, announced)
		}
		announced = g.Seq + uint64(len(g.Changes)) - 1
	}}), tableT)
	defer func() {
		disk.Inject(nil)
		if err := errors.Join(db.Close(), disk.Close()); err != nil {
			t.Error(err)
		}
	}()
	emptyLog(t, db)
	db.writer.pause = 0
	answers := map[int]error{1: db.Do(t.Context(), insert(1))}
	if r.reader {
		ints(t, db, "SELECT id FROM t")
	}
	reached, call := false, faultfs.Call{}
	disk.Inject(func(c faultfs.Call) faultfs.Fault {
		if c.N == step {
			reached, call = true, c
		}
		return inject(c)
	})
	large := WorkFunc(func(tx *Tx) error { // of several frames
		return errors.Join(insert(2).Apply(tx), tx.Exec("INSERT INTO t VALUES (1000, zeroblob(30000))"))
	})
	works := []Work{large, insert(3), insert(4)}[:r.units]
	runs := make([]int, len(works))
	for i, w := range works {
		works[i] = WorkFunc(func(tx *Tx) error { runs[i]++; return w.Apply(tx) })
	}
	for i, err := range togetherAs(t, db, r.shared, works) {
		if r.shared && runs[i] > 1 {
			t.Errorf("step %d: user code was run %d times", step, runs[i])
		}
		answers[2+i] = err
		check(2+i, err)
		unknown = unknown || errors.Is(err, ErrOutcomeUnknown)
	}
	disk.Inject(nil)
	audit := func(when string) {
		for name, loss := range losses {
			kept := r.sync == Full || name == "kept" // otherwise a loss of power may take what was answered
			auditCrash(t, disk, loss, answers, kept, announced, fmt.Sprintf("%s, %s at step %d, %s of %s", when, name, step, call.Op, call.File))
		}
	}
	audit("answered")
	answers[10] = db.Do(context.Background(), insert(10))
	if answers[10] != nil {
		t.Errorf("step %d, %s of %s: the disk works again, but: %v", step, call.Op, call.File, answers[10])
	}
	audit("and one more")
	return reached
}

// emptyLog moves the log into the file.
func emptyLog(t *testing.T, db *DB) {
	t.Helper()
	err := db.Maintain(t.Context(), func(c *zsqlite.Conn) error {
		return (&connection{Conn: c}).run("PRAGMA wal_checkpoint(TRUNCATE)")
	})
	if err != nil {
		t.Fatal(err)
	}
}

// onDisk are the options of a database on a disk.
func onDisk(d *faultfs.Disk, o Options) Options {
	o.Path = filepath.Join(d.Dir(), "data.db")
	o.openLog = func(path string) (logFile, error) { return d.OpenFile(path) }
	return o
}

func newDisk(t *testing.T) *faultfs.Disk {
	t.Helper()
	disk, err := faultfs.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return disk
}

// auditCrash takes the power away and compares what is there afterwards, twice, with what was answered.
func auditCrash(t *testing.T, disk *faultfs.Disk, loss faultfs.Loss, answers map[int]error, kept bool, seq uint64, when string) {
	t.Helper()
	after := newDisk(t)
	dir := after.Dir()
	if err := disk.Crash(dir, loss, uint64(len(when))); err != nil {
		t.Fatal(err)
	}
	var first []int
	for round := range 2 {
		db := openTest(t, onDisk(after, Options{}))
		there := ints(t, db, "SELECT id FROM t ORDER BY id")
		for id, err := range answers {
			_, found := slices.BinarySearch(there, id)
			if err == nil && !found && kept {
				t.Errorf("%s: %d was answered as written and is lost; there are %v", when, id, there)
			}
			if err != nil && found && !errors.Is(err, ErrOutcomeUnknown) {
				t.Errorf("%s: %d is there, but was answered: %v", when, id, err)
			}
		}
		if round == 0 {
			first = there
		} else if !slices.Equal(there, first) {
			t.Errorf("%s: opened again there are %v, before %v", when, there, first)
		}
		if bad := ints(t, db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"); bad[0] != 0 {
			t.Errorf("%s: the file is damaged", when)
		}
		if db.writer.seq < seq && kept {
			t.Errorf("%s: the sequence went back from %d to %d", when, seq, db.writer.seq)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := after.Close(); err != nil {
		t.Error(err)
	}
}

// With many frames the log's index grows after they were written, in either mode of syncing. If that fails they are all there, and must not count.
func TestLaw2_TheIndexOfTheLogCannotGrow(t *testing.T) {
	for _, mode := range []SyncMode{Full, Normal} {
		t.Run(mode.String(), func(t *testing.T) {
			disk := newDisk(t)
			db := openTest(t, onDisk(disk, Options{Sync: mode}), tableT)
			emptyLog(t, db)
			mustDo(t, db, insert(1).Apply) // the log's header is written and synced
			ints(t, db, "SELECT id FROM t")
			failed := false
			disk.Inject(func(c faultfs.Call) faultfs.Fault {
				if c.Op != faultfs.ShmMap || failed {
					return faultfs.None
				}
				failed = true
				return faultfs.Full
			})
			answers := map[int]error{2: db.Do(t.Context(), WorkFunc(func(tx *Tx) error {
				return errors.Join(insert(2).Apply(tx), tx.Exec("INSERT INTO t VALUES (1000, zeroblob(18000000))"))
			}))}
			if !failed || answers[2] == nil {
				t.Fatalf("failed %v, answered %v", failed, answers[2])
			}
			// All that was written reaches the disk but the last frame, which is what covers the others, unless it was synced.
			pending, kept := 0, 0
			count := func(*rand.Rand) (bool, bool) { pending++; return true, false }
			if err := disk.Crash(t.TempDir(), count, 0); err != nil {
				t.Fatal(err)
			}
			butOne := func(*rand.Rand) (bool, bool) { kept++; return kept <= pending-2, false }
			auditCrash(t, disk, butOne, answers, true, 0, "all but the last frame")
			if err := errors.Join(db.Close(), disk.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}
