package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestLaw1_SharedUnitsAreRunOnce: whatever one of them does to the transaction, no unit of user code is run again; each answer says
// what is in the file, and who was taken along is told that nothing was written.
func TestLaw1_SharedUnitsAreRunOnce(t *testing.T) {
	const units = 9
	for _, f := range faults {
		for _, at := range []int{0, 4, units - 1} {
			t.Run(fmt.Sprintf("%s/%d", f.name, at), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "data.db")
				var committed []int
				db := openTest(t, Options{Path: path, Connect: interruptor, Committed: func(g Group) {
					for _, c := range g.Changes {
						committed = append(committed, c.(int))
					}
				}}, faultSchema...)
				runs := make([]int, units)
				works := make([]Work, units)
				for i := range works {
					works[i] = WorkFunc(func(tx *Tx) error {
						runs[i]++
						err := insert(i).Apply(tx)
						if i == at && err == nil {
							err = f.fail(tx)
						}
						return err
					})
				}
				errs := togetherAs(t, db, true, works)
				taken := 0
				for i, err := range errs {
					switch {
					case runs[i] != 1:
						t.Errorf("unit %d was run %d times", i, runs[i])
					case errors.Is(err, ErrTakenAlong) && errors.Is(err, ErrNotWritten):
						taken++
					case i == at && !f.check(err), i != at && err != nil:
						t.Errorf("unit %d was answered %v", i, err)
					}
				}
				if want, known := takenAlong(f.name, at, units); known && taken != want {
					t.Errorf("%d were taken along, want %d", taken, want)
				}
				if err := db.Close(); err != nil {
					t.Fatal(err)
				}
				db = openTest(t, Options{Path: path})
				if want := auditUnits(t, db, errs); !slices.Equal(committed, want) {
					t.Errorf("reported changes of %v, want %v", committed, want)
				}
			})
		}
	}
}

// takenAlong is how many units a failure of the one at a place takes along, where that is certain.
func takenAlong(fault string, at, units int) (n int, known bool) {
	switch fault {
	case "full":
		return 0, false
	case "unique", "panic", "panic in the middle of a statement": // of a statement alone
		return 0, true
	case "deferred foreign key": // it fails the commit
		return units, true
	}
	return at, true
}

// groupsOf submits units together and returns which of them were committed together, in order.
func groupsOf(t *testing.T, kinds string, work func(i int) error) []string {
	t.Helper()
	var groups []string
	db := openTest(t, Options{}, tableT)
	db.options.Committed = func(g Group) {
		var line strings.Builder
		for _, c := range g.Changes {
			line.WriteString(c.(string))
		}
		groups = append(groups, line.String())
	}
	release := hold(t, db)
	var wg sync.WaitGroup
	for i, kind := range kinds {
		wg.Add(1)
		err := db.Submit(&Unit{Shared: kind == 's', Alone: kind == 'a', Done: func(err error) {
			if err != nil {
				t.Error(err)
			}
			wg.Done()
		}, Work: WorkFunc(func(tx *Tx) error {
			tx.Emit(string(kind))
			return errors.Join(tx.Exec("INSERT INTO t VALUES (?, ?)", i, ""), work(i))
		})})
		if err != nil {
			t.Fatal(err)
		}
	}
	release()
	wg.Wait()
	return groups
}

// TestSharedUnitsKeepToThemselves: units of user code share a commit with their like alone, and both kinds take turns.
func TestSharedUnitsKeepToThemselves(t *testing.T) {
	nothing := func(int) error { return nil }
	for _, c := range []struct{ kinds, want string }{
		{"ssss", "ssss"},
		{"pspspsp", "sss pppp"},
		{"pppp" + strings.Repeat("s", maxSharedUnits+2), strings.Repeat("s", maxSharedUnits) + " pppp ss"},
		{"psaspap", "s p a s p a p"},
		{"as", "a s"},
	} {
		if got := strings.Join(groupsOf(t, c.kinds, nothing), " "); got != c.want {
			t.Errorf("%s: got %s, want %s", c.kinds, got, c.want)
		}
	}
}

// TestSharedUnitThatIsSlow ends its group, and the other kind has its turn before those that it kept waiting.
func TestSharedUnitThatIsSlow(t *testing.T) {
	slow := func(i int) error {
		if i == 2 {
			<-time.After(2 * sharedTime)
		}
		return nil
	}
	got := strings.Join(groupsOf(t, "spsspss", slow), " ")
	if want := "ss pp sss"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestSharedUnitsThatWait may be taken back, and end with their deadlines, also when they were taken for a group that ended before
// their turn.
func TestSharedUnitsThatWait(t *testing.T) {
	db := openTest(t, Options{}, tableT)
	release := hold(t, db)
	outcomes := make([]chan error, 4)
	units := make([]*Unit, len(outcomes))
	for i := range units {
		outcomes[i] = make(chan error, 1)
		units[i] = &Unit{Shared: true, Work: insert(i), Done: func(err error) { outcomes[i] <- err }}
	}
	units[0].Work = WorkFunc(func(tx *Tx) error {
		if !units[1].Withdraw() {
			t.Error("one that waits cannot be taken back")
		}
		<-time.After(2 * sharedTime)
		units[2].Deadline = time.Now()
		return insert(0).Apply(tx)
	})
	for _, u := range units {
		if err := db.Submit(u); err != nil {
			t.Fatal(err)
		}
	}
	release()
	for i, want := range []error{nil, nil, ErrNotWritten, nil} {
		if i == 1 {
			continue
		}
		if err := <-outcomes[i]; !errors.Is(err, want) {
			t.Errorf("unit %d was answered %v, want %v", i, err, want)
		}
	}
	if got := ints(t, db, "SELECT id FROM t"); !slices.Equal(got, []int{0, 3}) || len(outcomes[1]) != 0 {
		t.Errorf("there are %v", got)
	}
}

// TestQueue_FairSharesOfSharedUnits: a group has room for each client.
func TestQueue_FairSharesOfSharedUnits(t *testing.T) {
	var q queue
	fill(&q, "a", "greedy", 200, 1)
	fill(&q, "a", "modest", 2, 1)
	fill(&q, "b", "x", 1, 1)
	for _, u := range q.units {
		u.Shared = true
	}
	q.shared = len(q.units)
	group, _ := q.take(nil)
	shares := map[string]int{}
	for _, u := range group {
		shares[u.Source+" "+u.Client]++
	}
	if len(group) != maxSharedUnits || shares["a modest"] != 2 || shares["b x"] != 1 {
		t.Errorf("%d units, shares %v", len(group), shares)
	}
	q.putBack(group)
	if len(q.units) != 203 || q.shared != 203 || q.bytes != 203 {
		t.Errorf("%d units, %d shared, %d bytes", len(q.units), q.shared, q.bytes)
	}
}
