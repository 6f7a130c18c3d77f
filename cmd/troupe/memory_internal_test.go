package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"testing"
	"time"
)

func TestLimitFor(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ memory, live, want int64 }{
		{24 << 30, 0, 320 * mib},            // a large machine: SQLite's part fits below 512 MiB beside it
		{24 << 30, 200 * mib, 320 * mib},    // all shares full
		{24 << 30, 400 * mib, 608 * mib},    // an operator's own load: half as much again
		{24 << 30, 4 << 30, 6 << 30},        //
		{512 * mib, 10 * mib, 320 * mib},    //
		{512 * mib, 300 * mib, 384 * mib},   // never beyond what leaves room in a container
		{128 * mib, 10 * mib, 80 * mib},     //
		{128 * mib, 1000 * mib, 96 * mib},   //
		{1 * mib, 10 * mib, limitStep},      // nonsense
		{1 << 62, 1 << 40, 3 * (1 << 39)},   //
		{1 << 62, 1<<40 + 1, 3 * (1 << 39)}, // rounded
	} {
		if got := limitFor(c.memory, c.live); got != c.want {
			t.Errorf("limitFor(%d MiB, %d MiB) = %d MiB, want %d MiB", c.memory/mib, c.live/mib, got/mib, c.want/mib)
		}
	}
}

// TestLimitFollowsWhatLives: the limit is raised before the collector would have to work all the time.
func TestLimitFollowsWhatLives(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "") // put back when the test ends
	os.Unsetenv("GOMEMLIMIT")
	before := debug.SetMemoryLimit(-1)
	stop := limitCollector(1 << 30)
	defer stop()
	if got := debug.SetMemoryLimit(-1); got != 320<<20 {
		t.Fatalf("limit is %d", got)
	}
	live := make([]byte, 300<<20) // never touched, so it costs no memory
	deadline := time.Now().Add(20 * time.Second)
	for debug.SetMemoryLimit(-1) < 450<<20 {
		if time.Now().After(deadline) {
			t.Fatalf("the limit stayed at %d", debug.SetMemoryLimit(-1))
		}
		runtime.GC()
	}
	runtime.KeepAlive(live)
	percent := debug.SetGCPercent(gcPercent)
	if percent != gcPercent && os.Getenv("GOGC") == "" {
		t.Errorf("the collector's percentage is %d, want %d", percent, gcPercent)
	}
	stop()
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("limit is %d afterwards, want %d", got, before)
	}
}

func TestLimitLeavesGOMEMLIMITAlone(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	before := debug.SetMemoryLimit(-1)
	defer limitCollector(1 << 30)()
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("limit is %d, want %d", got, before)
	}
}
