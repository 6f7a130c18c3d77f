package api_test

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"time"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/httpx/api"
)

// TestShutdownRightAfterTheStart: a server that is stopped before it has accepted anything ends, too. Serve would go on for
// ever when Shutdown came before the listener was known.
func TestShutdownRightAfterTheStart(t *testing.T) {
	a, err := app.Open(t.Context(), app.Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for range 50 {
		server, err := api.New(a, api.Options{})
		if err != nil {
			t.Fatal(err)
		}
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		started := make(chan struct{})
		go func() {
			served <- server.Serve(context.Background(), ln, func(net.Addr) error {
				close(started)
				return nil
			})
		}()
		<-started
		if err := server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		select {
		case err := <-served:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Fatal("still serving")
		}
	}
}
