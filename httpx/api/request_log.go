package api

import (
	"log/slog"
	"time"

	"github.com/troupebase/troupe/httpx"
)

// requestLog writes what was answered into the log.
type requestLog struct{ log *slog.Logger }

// observe logs a request that was answered: failures of the server always, the others at debug level.
func (l requestLog) observe(c *httpx.Context, status int, took time.Duration, err *httpx.Error) {
	level := slog.LevelDebug
	if status >= 500 {
		level = slog.LevelError
	}
	if !l.log.Enabled(c.Context(), level) {
		return
	}
	attrs := []slog.Attr{slog.String("method", c.Method()), slog.String("url", c.URI()), slog.Int("status", status), slog.Duration("took", took)}
	if err != nil && err.Cause != nil {
		attrs = append(attrs, slog.String("error", err.Cause.Error()))
	}
	l.log.LogAttrs(c.Context(), level, "request", attrs...)
}
