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

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/sqlite"
)

// drainTimeout is how long requests that were accepted may take to be answered once the server is told to stop.
const drainTimeout = 10 * time.Second

type serveFlags struct {
	http          string
	origins       []string
	sync          string
	expandAll     bool
	noExpandAll   bool
	publicDir     string
	indexFallback bool
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
	flags.StringVar(&f.publicDir, "publicDir", "pb_public", "directory with static files")
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
	app, err := g.open(ctx, actors.Options{Sync: mode, ExpandAll: f.expandAll && !f.noExpandAll, Exclusive: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, app.Close()) }()
	server, err := api.New(app, api.Options{Origins: f.origins, Static: f.static(), Logger: g.logger()})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.http)
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	if err := announce(ctx, app, listener.Addr(), out); err != nil {
		return errors.Join(err, stop(server, signals))
	}
	select {
	case err := <-served:
		return err
	case <-signals:
		return stop(server, signals)
	}
}

// stop lets accepted requests be answered. A second signal ends the process at once.
func stop(server *httpx.Server, signals <-chan os.Signal) error {
	go func() {
		<-signals
		os.Exit(1)
	}()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop listening: %w", err)
	}
	return nil
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
func announce(ctx context.Context, app *actors.App, addr net.Addr, out io.Writer) error {
	base := "http://" + addr.String()
	fmt.Fprintf(out, "%s Server started at %s\n└─ REST API: %s/api/\n", time.Now().Format("2006/01/02 15:04:05"), base, base)
	token, err := superusers(app).Installer(ctx, time.Now())
	if err != nil || token == "" {
		return err
	}
	_, err = fmt.Fprintf(out, "\n(!) Create the first superuser in the browser:\n%s/_/#/pbinstall/%s\n(or on the command line: %s superuser upsert EMAIL PASS)\n\n", base, token, os.Args[0])
	return err
}
