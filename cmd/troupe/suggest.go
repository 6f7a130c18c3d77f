package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// suggestDistance is how many letters a word may be away from the one that was meant.
const suggestDistance = 2

// noCommand refuses arguments of a command that only has others below it, and names those that may have been meant.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = suggestDistance
	return suggest(fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath()), cmd.SuggestionsFor(args[0]))
}

// suggestFlag names the flags that may have been meant by one that a command does not have.
func suggestFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		return noCommand(cmd, words) // the flag is one of the command that was meant
	}
	given := unknown.GetSpecifiedName()
	if short := unknown.GetSpecifiedShortnames(); short != "" {
		given, _, _ = strings.Cut(short, "=") // "-dir x" says the letters d, i and r
	}
	// cobra knows what is near among commands only, so the flags are made some.
	flags := &cobra.Command{SuggestionsMinimumDistance: suggestDistance}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		flags.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
	})
	near := flags.SuggestionsFor(given)
	if slices.Contains(near, given) {
		near = []string{given}
	}
	for i := range near {
		near[i] = "--" + near[i]
	}
	return suggest(err, near)
}

func suggest(err error, near []string) error {
	if len(near) == 0 {
		return err
	}
	return fmt.Errorf("%w\n\nDid you mean this?\n\t%s", err, strings.Join(near, "\n\t"))
}
