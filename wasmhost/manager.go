package wasmhost

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"

	"github.com/troupebase/troupe/internal/routine"
)

// Options say where extensions are and what they run in. Dir and Host are needed.
type Options struct {
	// Dir holds the modules, *.wasm. It may be missing.
	Dir string
	// CacheDir keeps compiled code, which saves seconds at the next start; "" keeps it in memory. Nobody else may write there: what is in
	// it is run.
	CacheDir string
	Host     Host
	// Committed tells whether something of the chain of calls that ctx belongs to counts already, because it was committed outside of a transaction that is
	// still open: then the rest of the chain does not end with its caller. It is asked often, also by other goroutines, and must not wait. Nil means
	// never.
	Committed func(ctx context.Context) bool
	// Logger gets what guests log and what happens to them. Nil means slog.Default().
	Logger *slog.Logger
	Limits Limits
	// Watch reloads what changes in Dir.
	Watch bool
	// Grants are what the operator lets extensions do, by their names. An extension has those that it asks for.
	Grants map[string][]Grant
	// Changed gets the complete set of extensions, ordered by name, whenever it is about to change: once for all that Open loads, and later once for what is
	// ready at a time, on the goroutine that loads. It readies routes and hooks and puts them in place; an error refuses the change, and nothing may have
	// changed. A [Blame] says whose fault it is: a set without them follows at once, in which the versions before stand for them. With any other
	// error the set stays what it was. The set is the callee's. It must not call the manager.
	Changed func(set []*Extension) error
	// Raise raises an event that is about no record for one extension, see [Manager.Raise]. It may be called for several at the same time.
	Raise func(ctx context.Context, x *Extension, event string) error

	// compileNotice is how long a module compiles before the log says that it does; zero is defaultCompileNotice.
	compileNotice time.Duration
}

// defaultCompileNotice is how long whoever starts a server sees nothing of what it does.
const defaultCompileNotice = time.Second

// Manager keeps the extensions of a directory. Safe for concurrent use.
type Manager struct {
	options   Options
	host      Host
	log       *slog.Logger
	limits    Limits
	cache     wazero.CompilationCache
	memory    memoryBudget
	code      atomic.Int64 // bytes of modules whose code is in memory
	dog       *watchdog
	long      *longPlaces
	watcher   *watcher
	base      time.Time // what now counts from
	committed func(ctx context.Context) bool

	entries   *entries
	loader    *loader
	compiling chan struct{} // places of those who compile

	looks        atomic.Int64 // at the directory
	attempts     atomic.Int64 // to load a file of which nothing was kept
	compilations atomic.Int64 // that succeeded, out of the cache too

	set     atomic.Pointer[[]*Extension]
	refused atomic.Pointer[[]Refused]

	mu      sync.Mutex          // guards live
	live    map[*Extension]bool // every version that is not closed
	closing atomic.Bool
}

// Open loads all extensions of a directory. A file that cannot be loaded is logged and left out. It waits for all of them, because what they hold back must not
// pass, but two minutes at most; what is not ready by then, or when ctx ends, comes in place later.
func Open(ctx context.Context, o Options) (*Manager, error) {
	if o.Host == nil {
		return nil, errors.New("wasmhost: no host")
	}
	m := &Manager{
		options: o, host: o.Host, log: o.Logger, limits: o.Limits.withDefaults(), base: time.Now().Add(-time.Second),
		live: make(map[*Extension]bool), compiling: make(chan struct{}, runtime.GOMAXPROCS(0)),
	}
	if m.log == nil {
		m.log = slog.Default()
	}
	if m.committed = o.Committed; m.committed == nil {
		m.committed = func(context.Context) bool { return false }
	}
	if m.options.compileNotice == 0 {
		m.options.compileNotice = defaultCompileNotice
	}
	m.set.Store(&[]*Extension{})
	m.refused.Store(&[]Refused{})
	m.memory.left.Store(m.limits.TotalMemory)
	var err error
	if m.cache, err = openCache(o.CacheDir, time.Now()); err != nil {
		return nil, err
	}
	if m.entries, err = openEntries(o.CacheDir); err != nil {
		return nil, err
	}
	m.dog, m.long = newWatchdog(m), newLongPlaces(runtime.GOMAXPROCS(0))
	m.start("watchdog", m.dog.run, m.dog.ended)
	if o.Watch {
		// Before the first look, so that nothing falls in between.
		m.watcher = newWatcher(m)
	}
	m.loader = newLoader(m)
	m.start("loader", m.loader.run, m.loader.ended)
	if err := m.look(ctx, true); err != nil && ctx.Err() != nil {
		m.log.Warn("extensions: not all are loaded yet", "dir", o.Dir, "error", err) // any other error is in the log
	}
	if m.watcher != nil {
		m.start("watcher", m.watcher.run, m.watcher.ended)
	}
	return m, nil
}

// Extensions returns the loaded extensions, ordered by name.
func (m *Manager) Extensions() []*Extension { return slices.Clone(*m.set.Load()) }

// Close waits for calls under way, for closeGrace at most, stops those that are left, and ends all goroutines. Calls that come later get [ErrClosed].
func (m *Manager) Close() error {
	if m.closing.Swap(true) {
		return nil
	}
	if m.watcher != nil {
		m.watcher.stop()
	}
	m.loader.stop()
	m.set.Store(&[]*Extension{})
	drained := m.drain(closeGrace)
	if !drained {
		m.eachLive(func(x *Extension) { x.pool.stopAll() })
		drained = m.drain(closeWait)
	}
	m.dog.stop()
	if !drained {
		// What still runs is in a host call that does not return; freeing its memory under it would be worse than leaking it.
		return errors.New("wasmhost: close: calls still run")
	}
	if err := m.cache.Close(context.Background()); err != nil {
		return fmt.Errorf("wasmhost: close the cache: %w", err)
	}
	return nil
}

// drain closes versions as their last calls end, and reports whether none is left after d.
func (m *Manager) drain(d time.Duration) bool {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(d); ; <-tick.C {
		left := 0
		m.eachLive(func(x *Extension) {
			if x.tryClose() {
				m.forget(x)
			} else {
				left++
			}
		})
		if left == 0 || time.Now().After(end) {
			return left == 0
		}
	}
}

// eachLive calls f for every version that is not closed, without the lock.
func (m *Manager) eachLive(f func(*Extension)) {
	m.mu.Lock()
	live := make([]*Extension, 0, len(m.live))
	for x := range m.live {
		live = append(live, x)
	}
	m.mu.Unlock()
	for _, x := range live {
		f(x)
	}
}

func (m *Manager) forget(x *Extension) {
	m.mu.Lock()
	delete(m.live, x)
	m.mu.Unlock()
}

// inspect is the watchdog's look at all calls. It reports whether there are any.
func (m *Manager) inspect() (busy bool) {
	now := m.now()
	m.dog.clock.Store(now)
	m.mu.Lock()
	defer m.mu.Unlock()
	for x := range m.live {
		busy = x.pool.inspect(now) || busy
	}
	return busy
}

// takeMemory takes n bytes for an instance, if need be those of instances that are idle.
func (m *Manager) takeMemory(n int64) bool {
	if m.memory.take(n) {
		return true
	}
	m.eachLive(func(x *Extension) { x.pool.trim(0, func(*instance) bool { return true }) })
	return m.memory.take(n)
}

// sweep closes instances that nobody needs and versions that nobody can hold any more.
func (m *Manager) sweep() {
	now := m.now()
	m.eachLive(func(x *Extension) {
		old := func(i *instance) bool { return now-i.idleSince > int64(idleLife) }
		x.pool.trim(keepIdle, old)
		x.pool.trim(0, func(i *instance) bool { return old(i) && i.memory.Size() > keepMemory })
		if since := x.retired.Load(); since != 0 && now-since > int64(retireGrace) && x.tryClose() {
			m.forget(x)
		}
	})
}

// now is a time of the manager's own, positive and cheap to compare: nanoseconds since shortly before it was opened.
func (m *Manager) now() int64 { return int64(time.Since(m.base)) }

// at is the time that now counted as n; moment is the other way round.
func (m *Manager) at(n int64) time.Time     { return m.base.Add(time.Duration(n)) }
func (m *Manager) moment(t time.Time) int64 { return int64(t.Sub(m.base)) }

// most is how many bytes a call may return.
func (m *Manager) most(o op) int {
	switch o {
	case opDescribe:
		return maxDescription
	case opRoute:
		return m.limits.Payload
	}
	return maxState
}

// start runs f on a goroutine that survives f's panics.
func (m *Manager) start(what string, f func(), ended chan<- struct{}) {
	routine.Go(func() { m.guarded(what, f, ended) }, func(p *routine.Panic) {
		m.log.Error("extensions: panic", "in", what, "panic", p.Value, "stack", string(p.Stack))
	})
}

// guarded runs f until it returns, begins again after a panic in it, and closes ended.
func (m *Manager) guarded(what string, f func(), ended chan<- struct{}) {
	defer close(ended)
	for !m.returned(what, f) {
		time.Sleep(watchInterval) // a panic that comes again and again must not take a core
	}
}

func (m *Manager) returned(what string, f func()) (ok bool) {
	defer func() {
		if v := recover(); v != nil {
			m.log.Error("extensions: panic", "in", what, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	f()
	return true
}
