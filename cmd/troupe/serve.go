package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/troupebase/troupe"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/storage/sqlite"
)

type serveFlags struct {
	http          string
	origins       []string
	sync          string
	expandAll     bool
	noExpandAll   bool
	publicDir     string
	indexFallback bool
	extensions    string
	grants        []string
	memory        sizeFlag
}

// newServe returns the command. Flags without a value belong to the root: one of them that stood before the command would
// otherwise take its name for a value.
func newServe(g *globals, root *cobra.Command) *cobra.Command {
	f := new(serveFlags)
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the data directory",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return g.serve(cmd.Context(), f, cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.http, "http", "127.0.0.1:8090", "address to listen on")
	flags.StringSliceVar(&f.origins, "origins", []string{"*"}, "origins that browsers may call from")
	flags.StringVar(&f.sync, "sync", "full", "when an answered write is on disk: full (always) or normal (not after a power loss)")
	flags.StringVar(&f.extensions, "extensions", "", "directory with extensions (default \""+troupe.ExtensionsDir+"\" beside the data directory)")
	flags.StringSliceVar(&f.grants, "grant", nil, "what an extension may do beyond its own data, as NAME:headers.secret or NAME:auth.credentials; repeatable")
	flags.StringVar(&f.publicDir, "publicDir", "pb_public", "directory with static files")
	flags.Var(&f.memory, "memory", "memory that the server is given, such as 512MiB (default what the machine or its cgroup has)")
	switches := root.PersistentFlags()
	switches.BoolVar(&f.expandAll, "expand-all", true, "expand the relations of every answer")
	switches.BoolVar(&f.noExpandAll, "no-expand-all", false, "expand only what a request asks for")
	switches.BoolVar(&f.indexFallback, "indexFallback", true, "answer unknown paths with the public directory's index.html")
	root.MarkFlagsMutuallyExclusive("expand-all", "no-expand-all")
	return cmd
}

// syncMode reads the flag of the same name.
func (f *serveFlags) syncMode() (sqlite.SyncMode, error) {
	switch f.sync {
	case "full":
		return sqlite.Full, nil
	case "normal":
		return sqlite.Normal, nil
	}
	return sqlite.Full, fmt.Errorf("invalid argument %q for \"--sync\" flag: must be full or normal", f.sync)
}

// serve runs the server until a signal comes. A second signal ends the process at once.
func (g *globals) serve(ctx context.Context, f *serveFlags, out io.Writer) (err error) {
	mode, err := f.syncMode()
	if err != nil {
		return err
	}
	defer limitCollector(int64(f.memory))()
	a := troupe.New(troupe.Options{
		Dir: g.dir, Sync: mode, Memory: int64(f.memory), NoExpandAll: !f.expandAll || f.noExpandAll, Key: troupe.EncryptionKey(g.key()), QueryTimeout: g.timeout(),
		Origins: f.origins, Static: f.static(), Extensions: f.extensions, Grants: f.grants, Logger: g.logger(),
	})
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	routine.When(ctx, stop, func(*routine.Panic) {}) // from now on a signal has its usual effect
	defer stop()
	err = a.RunWith(ctx, f.http, func(addr net.Addr) error { return announce(ctx, a, addr, out) })
	if failed := (*net.OpError)(nil); errors.As(err, &failed) && failed.Op == "listen" {
		return fmt.Errorf("%w; --http names another address to listen on, as --http 127.0.0.1:8091", err)
	}
	return err
}

// static serves the public directory, nil when there is none.
func (f *serveFlags) static() httpx.Handler {
	root, err := os.OpenRoot(f.publicDir)
	if err != nil {
		return nil
	}
	return httpx.Static(root.FS(), httpx.StaticOptions{IndexFallback: f.indexFallback})
}

// announce tells where the server is and, as long as there is no superuser, how to make the first one.
func announce(ctx context.Context, a *troupe.App, addr net.Addr, out io.Writer) error {
	base := "http://" + addr.String()
	fmt.Fprintf(out, "%s Server started at %s\n└─ REST API: %s/api/\n", time.Now().Format("2006/01/02 15:04:05"), base, base)
	token, err := a.InstallerToken(ctx)
	if err != nil || token == "" {
		return err
	}
	_, err = fmt.Fprintf(out, "\n(!) Create the first superuser in the browser:\n%s/_/#/pbinstall/%s\n(or on the command line: %s superuser upsert EMAIL PASS --dir %s)\n\n", base, token, self(), shellWord(a.Dir()))
	return err
}
