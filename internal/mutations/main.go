// Command mutations breaks what the laws of the engine promise, one promise at a time, and runs the tests that have to notice.
// A mutation that no test notices fails, and so does one that cannot be applied any more: then the code has changed, and the list
// has to follow. Nothing is written to the tree: each mutation is an overlay of the go command.
//
//	go run ./internal/mutations                        # all of them
//	go run ./internal/mutations -check                 # only whether each can be applied, and its tests are there
//	go run ./internal/mutations -build                 # only whether each compiles
//	go run ./internal/mutations -limit 150s -seed 7    # a sample, as many as fit
//	go run ./internal/mutations -only 'law 4'
//
// The list is in mutations.txt, whose head describes the format.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed mutations.txt
var list string

// A promise that is broken may also show by tests that do not end: those of a mutation have hangs and some times as long as they take
// without it. buildLimit is what compiling them may take beside that, on a busy machine.
const (
	hangs      = 30 * time.Second
	slower     = 4
	buildLimit = 5 * time.Minute
)

func main() {
	build := flag.Bool("build", false, "only look whether each mutation compiles")
	check := flag.Bool("check", false, "only look whether each mutation can be applied and names tests")
	only := flag.String("only", "", "mutations whose name begins so")
	limit := flag.Duration("limit", 0, "how long to go on taking another one; 0 for all")
	seed := flag.Uint64("seed", 0, "order of the mutations; 0 for that of the list")
	flag.Parse()
	if err := run(*check, *build, *only, *limit, *seed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(check, build bool, only string, limit time.Duration, seed uint64) error {
	all, err := parse(list)
	if err != nil {
		return err
	}
	switch {
	case check:
		return applicable(all)
	case build:
		return compiling(all, only)
	}
	if seed != 0 {
		rand.New(rand.NewPCG(seed, seed)).Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	began := time.Now()
	tr := &trial{passed: make(map[string]time.Duration)}
	var failed []error
	done := 0
	for _, m := range all {
		if !strings.HasPrefix(m.name, only) {
			continue
		}
		if limit > 0 && time.Since(began) > limit {
			break
		}
		one := time.Now()
		err := tr.try(&m)
		verdict := "noticed"
		if err != nil {
			verdict = err.Error()
			failed = append(failed, fmt.Errorf("%s: %w", m.name, err))
		}
		fmt.Printf("%5.1fs  %s: %s\n", time.Since(one).Seconds(), m.name, verdict)
		done++
	}
	fmt.Printf("%d of %d mutations tried, %d not noticed\n", done, len(all), len(failed))
	return errors.Join(failed...)
}

// applicable tells which mutations do not fit the code, or name tests that are not there.
func applicable(all []mutation) error {
	var errs []error
	for _, m := range all {
		if _, err := m.apply(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
		if err := m.listed(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return errors.Join(errs...)
}

// apply returns the mutated text of the file.
func (m *mutation) apply() (string, error) {
	text, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return "", fmt.Errorf("%s has the text %d times, want once:\n%s", m.file, n, m.old)
	}
	return strings.Replace(string(text), m.old, m.new, 1), nil
}

// trial runs the tests of mutations.
type trial struct {
	passed map[string]time.Duration // by package and pattern: how long the tests take without a mutation
}

// try runs the tests on the mutated code. It fails when they pass, and when they do not without the mutation.
func (tr *trial) try(m *mutation) error {
	text, err := m.apply()
	if err != nil {
		return err
	}
	normal, err := tr.normal(m)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	overlay, err := m.overlay(dir, text)
	if err != nil {
		return err
	}
	out, err := m.test(hangs+slower*normal, "-overlay", overlay)
	switch {
	case err == nil:
		return fmt.Errorf("SURVIVED %s -run %s", m.pkg, m.run)
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return fmt.Errorf("does not compile:\n%s", out)
	}
	return nil
}

// normal runs the tests without a mutation, once, and tells how long they take.
func (tr *trial) normal(m *mutation) (time.Duration, error) {
	key := m.pkg + " " + m.run
	if d, ok := tr.passed[key]; ok {
		return d, nil
	}
	began := time.Now()
	out, err := m.test(buildLimit)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%s fails without the mutation:\n%s", key, out)
	case strings.Contains(out, "no tests to run"):
		return 0, fmt.Errorf("%s has no test %s", m.pkg, m.run)
	}
	tr.passed[key] = time.Since(began)
	return tr.passed[key], nil
}

// test runs the tests with more arguments.
func (m *mutation) test(limit time.Duration, more ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), buildLimit+limit)
	defer cancel()
	args := append([]string{"test", "-count=1", "-pgo=off", "-failfast", "-timeout", limit.String(), "-run", m.run}, more...)
	raw, err := exec.CommandContext(ctx, "go", append(args, m.pkg)...).CombinedOutput()
	return string(raw), err
}

// overlay writes the mutated text into dir, and the file that names it to the go command.
func (m *mutation) overlay(dir, text string) (string, error) {
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	mutated := filepath.Join(dir, filepath.Base(m.file))
	spec, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, errors.Join(os.WriteFile(mutated, []byte(text), 0o600), os.WriteFile(path, spec, 0o600))
}
