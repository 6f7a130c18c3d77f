// Command troupe is the server: it opens a data directory and serves it, and manages its superusers.
package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/troupebase/troupe"
)

func main() {
	if err := newRoot().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// globals are the flags of all commands.
type globals struct {
	dir           string
	dev           bool
	encryptionEnv string
	queryTimeout  int
}

func newRoot() *cobra.Command {
	g := new(globals)
	root := &cobra.Command{
		Use:           "troupe",
		Short:         "Realtime backend that speaks PocketBase's API",
		Version:       troupe.Version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// The default sends unknown commands to the help and reports success.
		Args: noCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Name}} version {{.Version}}\n")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	flags := root.PersistentFlags()
	flags.StringVar(&g.dir, "dir", "troupe_data", "data directory, created when it is missing")
	flags.BoolVar(&g.dev, "dev", false, "log everything, requests included")
	flags.StringVar(&g.encryptionEnv, "encryptionEnv", "", "name of the environment variable with the key that encrypts the settings")
	flags.IntVar(&g.queryTimeout, "queryTimeout", 30, "seconds that a read may take")
	root.SetFlagErrorFunc(suggestFlag)
	root.AddCommand(newServe(g, root), newSuperuser(g), newVersion())
	return root
}
