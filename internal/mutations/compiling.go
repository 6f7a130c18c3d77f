package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// compiling tells which mutations do not compile: they would be taken for noticed by nobody.
func compiling(all []mutation, only string) error {
	var errs []error
	for _, m := range all {
		if !strings.HasPrefix(m.name, only) {
			continue
		}
		if err := m.compile(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.name, err))
		}
	}
	return errors.Join(errs...)
}

// compile builds the package of the mutated file.
func (m *mutation) compile() error {
	text, err := m.apply()
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
	out, err := exec.Command("go", "build", "-pgo=off", "-overlay", overlay, "-o", os.DevNull, "./"+filepath.Dir(m.file)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("does not compile: %w\n%s", err, out)
	}
	return nil
}
