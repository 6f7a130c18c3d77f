package guests

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/wasmhost"
)

// Options are what a [Service] takes from outside.
type Options struct {
	Logger *slog.Logger
	DB     *sqlite.DB
	Store  *records.Store
	// Catalogue returns the current collections.
	Catalogue func() *schema.Catalogue
	// Writes is the way in for what extensions write, Hooks are what they are bound to.
	Writes *writes.Service
	Hooks  *writes.Hooks
	// Endings puts handlers around the end of the application in the place of those whose IDs old chooses.
	Endings func(old func(id string) bool, with []Ending)
}

// Source says where extensions are, and what they may do.
type Source struct {
	// Dir holds the modules, *.wasm. It may be missing.
	Dir string
	// CacheDir keeps compiled code; "" keeps it in memory.
	CacheDir string
	// Limits bound calls and instances; the zero value is the defaults of package wasmhost.
	Limits wasmhost.Limits
	// Grants are what the operator lets extensions do, by their names.
	Grants map[string][]wasmhost.Grant
	// Routes puts the routes of a set of extensions in place. An error refuses the set, and the routes stay as they were; a
	// [wasmhost.Blame] says which of them are to be left out. Nil means that routes are not served.
	Routes func(set []*wasmhost.Extension) error
}

// Service is the extensions of an application. Without [Service.Load] there are none. It is safe for concurrent use.
type Service struct {
	log     *slog.Logger
	access  *Access
	hooks   *writes.Hooks
	endings func(old func(id string) bool, with []Ending)
	calls   *Calls
	manager atomic.Pointer[wasmhost.Manager] // nil before Load
}

// New returns a service without extensions.
func New(o Options) *Service {
	s := &Service{
		log: o.Logger, hooks: o.Hooks, endings: o.Endings, calls: newCalls(o.Logger, o.DB),
		access: &Access{db: o.DB, store: o.Store, catalogue: o.Catalogue, writes: o.Writes},
	}
	s.calls.call = s.makeAgain
	return s
}

// Calls returns the calls of success hooks that are kept to be made again.
func (s *Service) Calls() *Calls { return s.calls }

// StopCalls ends making calls again; they are kept as before, also new ones. The database is still open.
func (s *Service) StopCalls() { s.calls.stop() }

// Access returns how code of users reaches data, for another engine than that of WebAssembly.
func (s *Service) Access() *Access { return s.access }

// Load loads the extensions of a directory, binds their hooks and reloads them when their files change. It is called once. When
// all that it finds are in place their bootstrap hooks run, see [Service.Serving] for what follows from a failure. Files that
// cannot be loaded are logged and left out; errors are of the cache, and of ctx.
func (s *Service) Load(ctx context.Context, from Source) error {
	if err := s.calls.start(ctx); err != nil {
		return fmt.Errorf("load extensions: %w", err)
	}
	m, err := wasmhost.Open(ctx, wasmhost.Options{
		Dir: from.Dir, CacheDir: from.CacheDir, Host: host{s.access}, Logger: s.log, Limits: from.Limits, Grants: from.Grants, Watch: true,
		Committed: writes.PartlyDone,
		Changed: func(set []*wasmhost.Extension) error {
			if from.Routes != nil {
				if err := from.Routes(set); err != nil {
					return err
				}
			}
			s.bind(set)
			return nil
		},
		Raise: s.call,
	})
	if err != nil {
		return fmt.Errorf("load extensions: %w", err)
	}
	s.manager.Store(m)
	if err := m.Raise(ctx, "bootstrap"); err != nil {
		return fmt.Errorf("start extensions: %w", err)
	}
	return nil
}

// Serving runs the serve hooks of the extensions: several at a time, begun in the order of names, within a bounded time. An
// extension whose hook fails, refuses or takes too long is taken out, and tried again by and by; the others stay. What is
// loaded later runs its bootstrap and serve hooks before it takes its place. The error is of ctx.
func (s *Service) Serving(ctx context.Context) error {
	m := s.manager.Load()
	if m == nil {
		return nil
	}
	if err := m.Raise(ctx, "serve"); err != nil {
		return fmt.Errorf("serve extensions: %w", err)
	}
	return nil
}

// Refused returns the files that are not in place as they are in the directory, and why, ordered by name.
func (s *Service) Refused() []wasmhost.Refused {
	if m := s.manager.Load(); m != nil {
		return m.Refused()
	}
	return nil
}

// Propose puts the routes of the extensions in place once more, because those of the server or the program are others now. An
// extension whose route is taken is left out.
func (s *Service) Propose(ctx context.Context) error {
	m := s.manager.Load()
	if m == nil {
		return nil
	}
	if err := m.Propose(ctx); err != nil {
		return fmt.Errorf("put the routes of extensions in place: %w", err)
	}
	return nil
}

// Extensions returns the loaded extensions, ordered by name.
func (s *Service) Extensions() []*wasmhost.Extension {
	if m := s.manager.Load(); m != nil {
		return m.Extensions()
	}
	return nil
}

// Reload looks at the directory of the extensions now, which otherwise happens when something in it changes.
func (s *Service) Reload(ctx context.Context) error {
	if m := s.manager.Load(); m != nil {
		return m.Reload(ctx)
	}
	return nil
}

// Close ends the extensions. Their hooks around the end of the application have run by then.
func (s *Service) Close() error {
	if m := s.manager.Load(); m != nil {
		return m.Close()
	}
	return nil
}

// call calls the hooks of an extension for an event that is about no record.
func (s *Service) call(ctx context.Context, x *wasmhost.Extension, event string) error {
	for i, spec := range x.Hooks() {
		if spec.Event != event {
			continue
		}
		g := &hook{s: s, x: x, index: i, spec: spec}
		if err := g.around(ctx, &wasmhost.Call{}, func() error { return nil }); err != nil {
			return err
		}
	}
	return nil
}
