package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/troupebase/troupe/actors"
	"github.com/troupebase/troupe/storage/settings"
)

// logger writes for people on a terminal and for programs everywhere else.
func (g *globals) logger() *slog.Logger {
	opts := &slog.HandlerOptions{Level: slog.LevelInfo}
	if g.dev {
		opts.Level = slog.LevelDebug
	}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return slog.New(slog.NewTextHandler(os.Stderr, opts))
	}
	return slog.New(slog.NewJSONHandler(os.Stderr, opts))
}

// open opens the data directory that the flags name.
func (g *globals) open(ctx context.Context, o actors.Options) (*actors.App, error) {
	o.Dir = g.dir
	o.Logger = g.logger()
	o.QueryTimeout = time.Duration(g.queryTimeout) * time.Second
	if g.encryptionEnv != "" {
		o.Key = settings.Key{Name: g.encryptionEnv, Secret: []byte(os.Getenv(g.encryptionEnv))}
	}
	return actors.Open(ctx, o)
}
