package troupe

import (
	"context"

	"github.com/troupebase/troupe/storage/settings"
)

// Settings are the settings of the server, as the API has them: Meta (what the server calls itself), SMTP, RateLimits, Batch,
// TrustedProxy, SuperuserIPs, Logs, Backups, S3. Durations are in seconds, sizes in bytes.
type Settings = settings.Settings

// Settings returns the current settings: one atomic load. They are not to be changed, and nil before the App is open.
func (a *App) Settings() *Settings { return a.inner.Settings.Current() }

// SaveSettings stores what change makes of the current settings and returns the result. change may be called again and
// works only on what it is given; its error stores nothing and is returned. In a transaction it fails with [ErrInTransaction].
func (a *App) SaveSettings(ctx context.Context, change func(s *Settings) error) (*Settings, error) {
	if !a.inner.Ready() {
		return nil, ErrNotOpen
	}
	return a.inner.Settings.Save(ctx, change)
}

// WatchSettings calls fn after every change of the settings, whoever makes it, until the App is closed. fn must not block.
func (a *App) WatchSettings(fn func()) { a.inner.Settings.Watch(fn) }
