package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The README lists every flag, with its default, and no other.
func TestReadmeListsEveryFlag(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `--([\\w-]+)[^`]*` \\| (.*?) \\|").FindAllStringSubmatch(string(readme), -1) {
		listed[row[1]] = row[2]
	}
	known := make(map[string]bool)
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		check := func(f *pflag.Flag) {
			known[f.Name] = true
			text, ok := listed[f.Name]
			if !ok {
				t.Errorf("--%s of %q is not in README.md", f.Name, cmd.CommandPath())
			}
			if value := strings.Trim(f.DefValue, "[]"); value != "" && value != "false" && value != "true" && !strings.Contains(text, value) {
				t.Errorf("--%s is %s by default, README.md says %q", f.Name, value, text)
			}
		}
		cmd.Flags().VisitAll(check)
		cmd.PersistentFlags().VisitAll(check)
		for _, sub := range cmd.Commands() {
			if sub.Name() != "help" {
				visit(sub)
			}
		}
	}
	visit(newRoot())
	for name := range listed {
		if !known[name] {
			t.Errorf("README.md lists --%s, which no command has", name)
		}
	}
}
