//go:build profile && unix

package main

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"

	"github.com/troupebase/troupe/internal/routine"
)

// A server that is built with the tag profile writes what it spends its time on to the file that TROUPE_PROFILE names: from one
// SIGUSR1 to the next. default.pgo, from which the compiler learns what is worth inlining, is made of such files.
func init() {
	path := os.Getenv("TROUPE_PROFILE")
	if path == "" {
		return
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	routine.Go(func() {
		for range signals {
			if err := profile(path, signals); err != nil {
				fmt.Fprintln(os.Stderr, "profile:", err)
			}
		}
	}, func(p *routine.Panic) { fmt.Fprintln(os.Stderr, "profile:", p) })
}

// profile writes a profile until the next signal.
func profile(path string, until <-chan os.Signal) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	<-until
	pprof.StopCPUProfile()
	return nil
}
