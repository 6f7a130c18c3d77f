package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// declaredTest finds the tests of a file.
var declaredTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Example)\w*)\(`)

// listed fails when no test of the mutation's packages fits its pattern: after a move nothing would notice it any more.
func (m *mutation) listed() error {
	first, _, _ := strings.Cut(m.run, "/")
	pattern, err := regexp.Compile(first)
	if err != nil {
		return fmt.Errorf("pattern of tests: %w", err)
	}
	dir, below := strings.CutSuffix(m.pkg, "/...")
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if below && err == nil {
		var more []string
		more, err = filepath.Glob(filepath.Join(dir, "*", "*_test.go"))
		files = append(files, more...)
	}
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, test := range declaredTest.FindAllSubmatch(text, -1) {
			if pattern.Match(test[1]) {
				return nil
			}
		}
	}
	return fmt.Errorf("%s has no test %s", m.pkg, m.run)
}
