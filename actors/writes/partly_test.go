package writes_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

// TestLaw3_NobodyIsToldToTryAgainWhatIsPartlyThere: a want of time or room says that nothing was written. Where a nested write was
// committed by then it says otherwise, and only there: not in a transaction, not when the nested write failed, and not of other failures.
func TestLaw3_NobodyIsToldToTryAgainWhatIsPartlyThere(t *testing.T) {
	failures := map[error]writes.Outcome{
		sqlite.ErrBusy: writes.NotDone, sqlite.ErrNotWritten: writes.NotDone, context.DeadlineExceeded: writes.NotDone,
		wasmhost.ErrTimeout: writes.NotDone, wasmhost.ErrSuspended: writes.NotDone, sqlite.ErrDiskFull: writes.DiskFull,
		errNo: writes.Judged, sqlite.ErrOutcomeUnknown: writes.Unknown,
	}
	for failure, alone := range failures {
		for _, nested := range []string{"committed", "refused", "none"} {
			for _, atomic := range []bool{false, true} {
				t.Run(fmt.Sprintf("%v/%s/atomic %v", failure, nested, atomic), func(t *testing.T) {
					a := open(t)
					define(t, a, counters)
					others := define(t, a, `{"name":"others","type":"base","fields":[{"name":"t","type":"text","max":3}]}`)
					a.Hooks.OnRecordCreate("counters").Bind(&hooks.Handler[*writes.RecordEvent]{Atomic: atomic, Func: func(e *writes.RecordEvent) error {
						text := map[string]string{"committed": "yes", "refused": "too long"}[nested]
						if text != "" {
							_, _ = add(e.Context(), a, others, map[string]any{"t": text})
						}
						return failure
					}})
					r, err := a.Records.New("counters")
					if err != nil {
						t.Fatal(err)
					}
					err = a.Records.Save(context.Background(), r)
					want := alone
					if nested == "committed" && !atomic && (alone == writes.NotDone || alone == writes.DiskFull) {
						want = writes.Partly
					}
					if got := writes.OutcomeOf(err); got != want || !errors.Is(err, failure) {
						t.Errorf("%v says %v, want %v", err, got, want)
					}
					there := 0
					if nested == "committed" && !atomic {
						there = 1
					}
					if n := count(t, a, others); n != there {
						t.Errorf("%d nested records", n)
					}
				})
			}
		}
	}
}
