package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/troupebase/troupe/actors/auth"
)

func newSuperuserOTP(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "otp EMAIL",
		Short: "Make a one-time password for a superuser",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return auth.ErrDeletionEmail
			}
			return g.withSuperusers(cmd.Context(), func(s *auth.Superusers) error {
				otp, err := s.OTP(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "Successfully created OTP for superuser %q:\n├─ Id:    %s\n├─ Pass:  %s\n└─ Valid: %ds\n",
					args[0], otp.ID, otp.Code, int(otp.Life.Seconds()))
				return err
			})
		},
	}
}
