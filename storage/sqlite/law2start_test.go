package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite/faultfs"
)

// Law 2: what is found in the log is made certain before anything is built on it, and a loss of power meanwhile does no harm.

// A process that starts where another was killed cannot know whether the log it finds was ever synced, so it builds nothing on it. The power may go at each step
// of finding out.
func TestLaw2_StartAfterAFailedSync(t *testing.T) {
	for name, f := range map[string]struct {
		fails func(faultfs.Call) bool
		there bool // what failed counts, as far as the next process can see
	}{
		"covered":     {func(c faultfs.Call) bool { return c.Op == faultfs.Sync }, false},
		"not covered": {func(c faultfs.Call) bool { return c.Op == faultfs.Sync || c.Op == faultfs.Open }, true},
	} {
		t.Run(name, func(t *testing.T) {
			disk := newDisk(t)
			db := openTest(t, onDisk(disk, Options{}), tableT, "CREATE TABLE other (v)")
			emptyLog(t, db)
			db.writer.pause = 0
			ints(t, db, "SELECT id FROM t")
			answers := map[int]error{5: db.Do(t.Context(), insert(5))}
			disk.Inject(func(c faultfs.Call) faultfs.Fault {
				if f.fails(c) {
					return faultfs.IO
				}
				return faultfs.None
			})
			answers[1] = db.Do(t.Context(), WorkFunc(func(tx *Tx) error {
				return errors.Join(insert(1).Apply(tx), tx.Exec("INSERT INTO other VALUES (zeroblob(9000))"), tx.Exec("INSERT INTO t VALUES (1000, zeroblob(9000))"))
			}))
			if !errors.Is(answers[1], ErrOutcomeUnknown) {
				t.Errorf("answered %v", answers[1])
			}
			for step := 1; ; step += stride(7) {
				if !startAndFail(t, disk, step, answers) {
					break
				}
			}
			disk.Inject(nil)
			startAndSettle(t, disk, answers, f.there, nil)
			startAndSettle(t, disk, answers, f.there, func(c faultfs.Call) faultfs.Fault {
				if c.Grows {
					return faultfs.Full
				}
				return faultfs.None
			})
			if err := errors.Join(db.Close(), disk.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Another process may know the end of the log better than the disk does: what it does not count must not come back either.
func TestLaw2_StartBesideAnotherProcess(t *testing.T) {
	disk := newDisk(t)
	db := openTest(t, onDisk(disk, Options{}), tableT)
	db.writer.pause = 0
	other, err := zsqlite.OpenConn(db.options.Path, zsqlite.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&connection{Conn: other}).run("SELECT id FROM t"); err != nil {
		t.Fatal(err)
	}
	disk.Inject(func(c faultfs.Call) faultfs.Fault {
		if c.Op == faultfs.Sync || c.Op == faultfs.Open {
			return faultfs.IO
		}
		return faultfs.None
	})
	if err := db.Do(t.Context(), insert(1)); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("answered %v", err)
	}
	disk.Inject(nil)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	next := openTest(t, onDisk(disk, Options{}))
	if err := next.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen := ints(t, next, "SELECT id FROM t"); len(seen) != 0 {
		t.Errorf("seen: %v", seen)
	}
	for name, loss := range losses {
		auditCrash(t, disk, loss, seenAs(nil), true, 0, name)
	}
	if err := errors.Join(next.Close(), other.Close(), disk.Close()); err != nil {
		t.Error(err)
	}
}

// Some syncs fail, and while the Writer finds out what that has left the power goes, at each step.
func TestLaw2_PowerGoesWhileFindingOut(t *testing.T) {
	for failures := 1; failures <= 5; failures++ {
		for last := 1; ; last += stride(11) {
			disk := newDisk(t)
			db := openTest(t, onDisk(disk, Options{}), tableT, "CREATE TABLE other (v)")
			emptyLog(t, db)
			db.writer.pause = 0
			answers := map[int]error{5: db.Do(t.Context(), insert(5))}
			gone, left, when := false, failures, ""
			disk.Inject(func(c faultfs.Call) faultfs.Fault {
				if c.Op == faultfs.Sync && left > 0 {
					left--
					return faultfs.IO
				}
				if c.N < last {
					return faultfs.None
				}
				if !gone {
					gone, when = true, fmt.Sprintf("%d syncs failed, power gone at step %d, %s of %s", failures, c.N, c.Op, c.File)
				}
				return faultfs.IO
			})
			answers[1] = db.Do(t.Context(), WorkFunc(func(tx *Tx) error {
				return errors.Join(insert(1).Apply(tx), tx.Exec("INSERT INTO other VALUES (zeroblob(9000))"))
			}))
			for name, loss := range losses {
				auditCrash(t, disk, loss, answers, true, 0, when+", "+name)
			}
			disk.Inject(nil)
			if err := errors.Join(db.Close(), disk.Close()); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Fatal(when)
			}
			if !gone {
				break
			}
		}
	}
}

// startAndFail starts a process where another was killed and lets the power go at a step. It returns false when it was ready before.
func startAndFail(t *testing.T, disk *faultfs.Disk, step int, answers map[int]error) bool {
	next, err := disk.Killed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	reached := false
	next.Inject(func(c faultfs.Call) faultfs.Fault {
		if c.N < step {
			return faultfs.None
		}
		reached = true
		return faultfs.IO
	})
	o := onDisk(next, Options{Logger: quiet})
	db, err := Open(t.Context(), o)
	if err == nil && db.writer.unsettled && db.Settled(t.Context()) == nil {
		t.Errorf("settled on a disk that fails from step %d on", step)
	}
	for first := 0; first < 40; first += stride(9) {
		kept := 0
		loss := func(*rand.Rand) (bool, bool) { kept++; return kept <= first, false }
		auditCrash(t, next, loss, answers, true, 0, fmt.Sprintf("power gone at step %d of a start, the first %d writes kept", step, first))
	}
	for name, loss := range losses {
		auditCrash(t, next, loss, answers, true, 0, fmt.Sprintf("power gone at step %d of a start, %s", step, name))
	}
	next.Inject(nil)
	if db != nil {
		err = db.Close()
	}
	if err := errors.Join(err, next.Close()); err != nil && db != nil {
		t.Error(err)
	}
	return reached
}

// startAndSettle starts a process where another was killed, perhaps on a disk that fails; what it sees then is so for good.
func startAndSettle(t *testing.T, disk *faultfs.Disk, answers map[int]error, there bool, fail func(faultfs.Call) faultfs.Fault) {
	next, err := disk.Killed(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	next.Inject(fail)
	after := openTest(t, onDisk(next, Options{}))
	if err := after.Settled(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen := ints(t, after, "SELECT id FROM t")
	if slices.Contains(seen, 1) != there {
		t.Errorf("the next process sees %v", seen)
	}
	for first := range 40 { // whatever of the unsynced writes is still to come, the first ones being those of the failed commit
		kept := 0
		loss := func(*rand.Rand) (bool, bool) { kept++; return kept <= first, false }
		auditCrash(t, next, loss, seenAs(seen), true, after.writer.seq, fmt.Sprintf("settled, the first %d writes kept", first))
	}
	next.Inject(nil)
	also := map[int]error{2: after.Do(t.Context(), insert(2))}
	for id, err := range answers {
		also[id] = err
	}
	for name, loss := range losses {
		auditCrash(t, next, loss, also, true, after.writer.seq, name)
	}
	if err := errors.Join(after.Close(), next.Close()); err != nil {
		t.Error(err)
	}
}

// seenAs are the answers that say what a Reader saw.
func seenAs(there []int) map[int]error {
	answers := map[int]error{1: errors.New("was not seen")}
	for _, id := range there {
		answers[id] = nil
	}
	return answers
}
