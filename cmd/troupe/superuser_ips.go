package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/validation"
)

func newSuperuserIPs(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "ips [IP_OR_CIDR...]",
		Short: "Set the addresses that superusers may come from; none means any",
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			app, err := g.open(cmd.Context())
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, app.Close()) }()
			_, err = app.Settings.Save(cmd.Context(), func(s *settings.Settings) error {
				s.SuperuserIPs = append([]string{}, args...)
				return s.Validate()
			})
			var fields validation.Errors
			if errors.As(err, &fields) {
				return errors.New(nestedFailures(fields))
			}
			if err != nil {
				return err
			}
			return printIPs(cmd.OutOrStdout(), args)
		},
	}
}

func printIPs(out io.Writer, list []string) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "Successfully cleared SuperuserIPs setting!")
		return err
	}
	text := "Successfully updated SuperuserIPs setting:\n"
	for i, ip := range list {
		branch := "├─ "
		if i == len(list)-1 {
			branch = "└─ "
		}
		text += branch + ip + "\n"
	}
	_, err := io.WriteString(out, text)
	return err
}

// nestedFailures is a tree of failures in one line, with the inner ones in brackets.
func nestedFailures(fields validation.Errors) string {
	var parts []string
	for key, err := range fields {
		text := err.Error()
		if inner := (validation.Errors)(nil); errors.As(err, &inner) {
			text = "(" + nestedFailures(inner) + ")"
		} else {
			text = strings.ToLower(text[:1]) + strings.TrimSuffix(text[1:], ".")
		}
		parts = append(parts, key+": "+text)
	}
	slices.Sort(parts)
	return strings.Join(parts, "; ") + "."
}
