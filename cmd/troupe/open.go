package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/troupebase/troupe/actors/app"
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

// open opens the data directory that the flags name, beside a server that may have it open.
func (g *globals) open(ctx context.Context) (*app.App, error) {
	return app.Open(ctx, app.Options{Dir: g.dir, Logger: g.logger(), QueryTimeout: g.timeout(), Key: g.key()})
}

// key is the key that encrypts the settings.
func (g *globals) key() settings.Key {
	if g.encryptionEnv == "" {
		return settings.Key{}
	}
	return settings.Key{Name: g.encryptionEnv, Secret: []byte(os.Getenv(g.encryptionEnv))}
}

func (g *globals) timeout() time.Duration { return time.Duration(g.queryTimeout) * time.Second }
