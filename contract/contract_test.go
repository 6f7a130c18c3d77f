package contract_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sample is how many cases of an area there are for each that -short takes.
const sample = 8

// TestCases replays what the reference server answered.
func TestCases(t *testing.T) { replay(t, "cases", false) }

// TestForkCases replays what Troupe answers beyond it, with default options.
func TestForkCases(t *testing.T) { replay(t, "cases-fork", true) }

func replay(t *testing.T, folder string, expandAll bool) {
	if raceDetector {
		t.Skip("the packages' own tests run under the race detector; this one takes minutes there")
	}
	list, err := readTodo("../contract.todo")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in %s: %v", folder, err)
	}
	seen := make(map[string]int)
	for _, file := range files {
		area, _, _ := strings.Cut(filepath.Base(file), "-")
		seen[area]++
		if testing.Short() && seen[area]%sample != 1 {
			continue
		}
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			t.Parallel()
			c, err := load(file)
			if err != nil {
				t.Fatal(err)
			}
			failed := c.play(t, newWorld(t, expandAll))
			skip, complaints := list.verdict(filepath.Base(file), failed)
			for _, complaint := range complaints {
				t.Error(complaint)
			}
			if skip {
				t.Skip("on contract.todo")
			}
		})
	}
}

// play returns the numbers of the steps, from 1, that did not go as recorded. What went wrong is logged.
func (c *recorded) play(t *testing.T, w *world) (failed []int) {
	for i, s := range c.Steps {
		got, err := w.do(s)
		var differences []string
		if err == nil {
			differences = w.compare(s, got)
			err = w.save(s, got)
		}
		if err != nil {
			differences = append(differences, err.Error())
		}
		if len(differences) == 0 {
			continue
		}
		failed = append(failed, i+1)
		t.Logf("step %d %s\n\t%s", i+1, s, strings.Join(differences, "\n\t"))
		if got != nil {
			t.Logf("answer: %d %s", got.status, clip(string(got.raw)))
		}
	}
	return failed
}

// TestTodoNamesCases: a name that no case has would hide a mistake.
func TestTodoNamesCases(t *testing.T) {
	list, err := readTodo("../contract.todo")
	if err != nil {
		t.Fatal(err)
	}
	for name := range list {
		if _, err := os.Stat(filepath.Join("testdata", "cases", name)); err == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join("testdata", "cases-fork", name)); err != nil {
			t.Errorf("contract.todo names %s, there is no such case", name)
		}
	}
}
