package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/troupebase/troupe/actors/auth"
)

var errArguments = errors.New("missing email and password arguments")

func newSuperuser(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "superuser",
		Short: "Manage superusers",
		Args:  noCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	withPassword := func(use, short, done string, do func(s *auth.Superusers, ctx context.Context, email, password string) error) *cobra.Command {
		return &cobra.Command{
			Use:   use + " EMAIL PASS",
			Short: short,
			RunE: func(cmd *cobra.Command, args []string) error {
				if len(args) != 2 {
					return errArguments
				}
				return g.withSuperusers(cmd.Context(), func(s *auth.Superusers) error {
					if err := do(s, cmd.Context(), args[0], args[1]); err != nil {
						return err
					}
					_, err := fmt.Fprintf(cmd.OutOrStdout(), done+"\n", args[0])
					return err
				})
			},
		}
	}
	cmd.AddCommand(
		withPassword("upsert", "Create a superuser, or give one another password", "Successfully saved superuser %q!", (*auth.Superusers).Upsert),
		withPassword("create", "Create a superuser", "Successfully created new superuser %q!", (*auth.Superusers).Create),
		withPassword("update", "Give a superuser another password", "Successfully changed superuser %q password!", (*auth.Superusers).Update),
		newSuperuserDelete(g),
		newSuperuserOTP(g),
		newSuperuserIPs(g),
	)
	return cmd
}

func newSuperuserDelete(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "delete EMAIL",
		Short: "Delete a superuser",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return auth.ErrDeletionEmail
			}
			return g.withSuperusers(cmd.Context(), func(s *auth.Superusers) error {
				deleted, err := s.Delete(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if !deleted {
					return fmt.Errorf("superuser %q is missing or already deleted", args[0])
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Successfully deleted superuser %q!\n", args[0])
				return err
			})
		},
	}
}

// withSuperusers opens the data directory for the time of a command. A server may have it open too.
func (g *globals) withSuperusers(ctx context.Context, do func(s *auth.Superusers) error) error {
	return g.withData(ctx, func(data *auth.Data) error { return do(auth.NewSuperusers(data)) })
}

// withData is withSuperusers for commands that need more.
func (g *globals) withData(ctx context.Context, do func(data *auth.Data) error) (err error) {
	a, err := g.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return do(auth.NewData(a.Accounts(), "command line"))
}
