package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/actors/signin"
)

// errSuperuserOTP is what is printed when superusers do not sign in with one-time passwords.
var errSuperuserOTP = errors.New("OTP auth is not enabled for the _superusers collection")

func newSuperuserOTP(g *globals) *cobra.Command {
	return &cobra.Command{
		Use:   "otp EMAIL",
		Short: "Make a one-time password for a superuser",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return auth.ErrDeletionEmail
			}
			return g.withData(cmd.Context(), func(data *auth.Data) error {
				r, err := auth.NewSuperusers(data).Find(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				otp, err := signin.NewOTPs(data).Create(cmd.Context(), r)
				if errors.Is(err, signin.ErrOTPOff) {
					return errSuperuserOTP
				}
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
