package troupe

import (
	"context"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/troupebase/troupe/actors"
	inner "github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
)

// DefaultDir is the data directory where none is named.
const DefaultDir = "troupe_data"

// ExtensionsDir is the name of the directory of extensions, beside the data directory, where none is named.
const ExtensionsDir = "troupe_extensions"

// SyncMode says when an answered write is on disk.
type SyncMode = sqlite.SyncMode

const (
	// SyncFull means that an answered write is always on disk.
	SyncFull SyncMode = sqlite.Full
	// SyncNormal means that an answered write survives a crash of the process, but perhaps not a loss of power.
	SyncNormal SyncMode = sqlite.Normal
)

// EncryptionKey encrypts the stored settings.
type EncryptionKey struct {
	// Name is where the secret comes from, for messages.
	Name string
	// Secret has 32 bytes; 16 and 24 are accepted too.
	Secret []byte
}

// ExtensionLimits bound what one call of an extension may take. A field that is zero or negative means the default.
type ExtensionLimits struct {
	// Hook and Route are the time of a call in which the extension itself runs: a second and ten seconds.
	Hook, Route time.Duration
	// HookWait and RouteWait are the time in which the server does something for a call or keeps it waiting: ten seconds and thirty.
	HookWait, RouteWait time.Duration
	// MemoryPages is the memory of an instance, in pages of 64 KiB: 1024.
	MemoryPages uint32
	// TotalMemory is the memory of all instances of all extensions together, in bytes: 512 MiB.
	TotalMemory int64
	// HostCalls and Handles are how often a call may ask the server, and how many things it may hold: 100,000 and 1024.
	HostCalls, Handles int
	// Payload is how many bytes an extension hands over at once: 8 MiB.
	Payload int
}

// Options configure an [App]. The zero value serves [DefaultDir] with the extensions beside it.
type Options struct {
	// Dir is the data directory; it is created when it is missing.
	Dir string
	// Sync says when an answered write is on disk.
	Sync SyncMode
	// NoExpandAll expands only the relations that a request asks for.
	NoExpandAll bool
	// Key encrypts the stored settings; the zero value stores them in clear.
	Key EncryptionKey
	// QueryTimeout bounds a read; zero is 30 seconds.
	QueryTimeout time.Duration
	// Memory is how many bytes of memory the process is given: what strangers make it keep (bodies, topics, filters, answers) is
	// bounded by a part of it. Zero looks at the machine, its cgroup and GOMEMLIMIT.
	Memory int64
	// Origins are the origins that browsers may call from; empty means all.
	Origins []string
	// Static answers GET and HEAD for paths without a route.
	Static RouteHandler
	// Extensions is the directory of WebAssembly extensions; empty means [ExtensionsDir] beside the data directory. It may be
	// missing.
	Extensions string
	// ExtensionLimits bound what extensions may use.
	ExtensionLimits ExtensionLimits
	// Grants let extensions do what takes the operator's word, as "name:permission": "headers.secret" shows Authorization and
	// Cookie of requests, apart from verified tokens; "auth.credentials" lets set password, email and verified of auth records.
	Grants []string
	// Logger gets what happens beside requests; nil discards it.
	Logger *slog.Logger
}

// App is a data directory with its hooks and its server. It is safe for concurrent use.
type App struct {
	inner   *inner.App
	opts    Options
	serving hooks.Hook[*api.ServeEvent]

	spawning   sync.Mutex
	supervisor *actors.Supervisor // of the program's actors, nil before the first
	closed     bool
}

// New returns an App that is not open yet: hooks can be bound to it, and [App.Run] opens and serves it. A program that only
// works with the data calls [App.Bootstrap] and [App.Close] instead.
func New(o Options) *App {
	if o.Dir == "" {
		o.Dir = DefaultDir
	}
	if o.Extensions == "" {
		o.Extensions = filepath.Join(filepath.Dir(filepath.Clean(o.Dir)), ExtensionsDir)
	}
	return &App{opts: o, inner: inner.New(inner.Options{
		Dir: o.Dir, Sync: o.Sync, ExpandAll: !o.NoExpandAll, Key: settings.Key(o.Key), QueryTimeout: o.QueryTimeout, Memory: o.Memory, Exclusive: true, Logger: o.Logger,
	})}
}

// Dir returns the data directory.
func (a *App) Dir() string { return a.opts.Dir }

// Bootstrap opens the data directory without serving it. The caller closes the App when it succeeds; it is called once, and
// fails with [ErrBegun] after that.
func (a *App) Bootstrap(ctx context.Context) error { return a.inner.Bootstrap(ctx) }

// Close ends the App after what it had accepted was answered, and closes the data directory. New writes are refused once the
// hooks of [App.OnTerminate] have run up to their Next. Calling it again returns the same error. An error of a hook keeps
// nothing open.
func (a *App) Close() error {
	a.spawning.Lock()
	a.closed = true
	a.spawning.Unlock()
	return a.inner.Close()
}
