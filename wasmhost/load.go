package wasmhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"slices"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/wasmhost/abi"
	"github.com/troupebase/troupe/wasmhost/rewrite"
)

// checksum tells contents of files apart.
type checksum [sha256.Size]byte

// newVersion returns a version of which nothing is known but its file. The watchdog sees it from now on.
func (m *Manager) newVersion(file string, sum checksum) (*Extension, error) {
	x := &Extension{manager: m, file: file, sum: sum, log: m.log.With("file", file)}
	x.lines = x.log
	x.pool.extension = x
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing.Load() {
		return nil, ErrClosed
	}
	m.live[x] = true
	return x, nil
}

// recall makes a version of what is kept of a module that was loaded before: nothing of it is compiled or run. The error is [errNoEntry] when
// nothing is.
func (m *Manager) recall(file string, sum checksum) (*Extension, error) {
	s, err := m.entries.described(sum)
	if err != nil {
		return nil, err
	}
	if s.Pages > m.limits.MemoryPages {
		return nil, &loadError{ofServer, fmt.Errorf("load %s: %w", file, errPages(s.Pages, m.limits.MemoryPages))}
	}
	x, err := m.newVersion(file, sum)
	if err != nil {
		return nil, err
	}
	x.stored.Store(true)
	if err := x.accept(s.Description); err != nil {
		m.discard(x)
		return nil, &loadError{ofServer, fmt.Errorf("describe %s: %w", file, err)}
	}
	return x, nil
}

// load makes a version of a file: rewrite, compile, and ask it to describe itself. On failure nothing is left of it.
func (m *Manager) load(ctx context.Context, file string, sum checksum) (x *Extension, err error) {
	if x, err = m.newVersion(file, sum); err != nil {
		return nil, err
	}
	m.attempts.Add(1)
	x.refs.Add(1) // it is not closed under the loader
	defer func() {
		// The compiler is large and the file comes from anywhere: a panic in it is a broken file, not the end of the server.
		if v := recover(); v != nil {
			m.log.Error("extension: panic while loading", "file", file, "panic", v, "stack", string(debug.Stack()))
			err = &loadError{ofContent, fmt.Errorf("load %s: panic: %v", file, v)}
		}
		x.leave()
		if err != nil {
			m.discard(x)
			x = nil
		}
	}()
	notice := routine.After(m.options.compileNotice, func() {
		m.log.Info("compiling an extension; this is done once, unless the file changes", "file", file)
	}, func(*routine.Panic) {})
	defer notice.Stop()
	content, err := readModule(filepath.Join(m.options.Dir, file))
	if err != nil {
		return x, err
	}
	if sha256.Sum256(content) != sum {
		return x, fmt.Errorf("load %s: it changes while it is read", file)
	}
	rewritten, err := m.compile(ctx, x, content)
	if err != nil {
		return x, fmt.Errorf("load %s: %w", file, err)
	}
	notice.Stop()
	raw, err := x.ask()
	if err != nil {
		return x, &loadError{ofRun, fmt.Errorf("describe %s: %w", file, err)}
	}
	if err := m.entries.keep(sum, said{Description: raw, Pages: rewritten.Memory.Min}, rewritten.Binary); err != nil {
		m.log.Warn("extension: it will be compiled again at the next start", "file", file, "error", err)
	} else {
		x.stored.Store(m.entries.dir != "")
	}
	if err := x.accept(raw); err != nil {
		return x, &loadError{ofServer, fmt.Errorf("describe %s: %w", file, err)}
	}
	m.evict(nil)
	return x, nil
}

// rewrite makes of a file's content what is compiled.
func (m *Manager) rewrite(content []byte) (*rewrite.Result, error) {
	rewritten, err := rewrite.Module(content, rewrite.Options{MaxDepth: guestDepth})
	if err == nil {
		err = rewritten.CheckContract(abi.Module, wasiModule)
	}
	if err != nil {
		return nil, &loadError{ofContent, err}
	}
	if rewritten.Memory.Min > m.limits.MemoryPages {
		return nil, &loadError{ofServer, errPages(rewritten.Memory.Min, m.limits.MemoryPages)}
	}
	return rewritten, nil
}

func errPages(have, most uint32) error {
	return fmt.Errorf("the memory has %d pages from the start, more than %d", have, most)
}

// compile makes the code of x.
func (m *Manager) compile(ctx context.Context, x *Extension, content []byte) (*rewrite.Result, error) {
	rewritten, err := m.rewrite(content)
	if err != nil {
		return nil, err
	}
	e, err := m.compiled(ctx, x.sum, rewritten.Binary, rewritten.Memory.Min)
	if err != nil {
		return nil, notCompiled(err)
	}
	x.code.set(e)
	return rewritten, nil
}

// rebuild makes the code of a version that was recalled: of the module that is kept, or else of the file, as long as that is the same.
func (x *Extension) rebuild(ctx context.Context) (*engine, error) {
	m := x.manager
	s, described := m.entries.described(x.sum)
	binary, kept := m.entries.read(x.sum, moduleEntry)
	if described == nil && kept == nil {
		e, err := m.compiled(ctx, x.sum, binary, s.Pages)
		if err == nil {
			return e, nil
		}
		kept = err
	}
	content, err := readModule(filepath.Join(m.options.Dir, x.file))
	if err != nil {
		return nil, errors.Join(described, kept, err)
	}
	if sha256.Sum256(content) != x.sum {
		return nil, errors.Join(described, kept, fmt.Errorf("%s has other content by now", x.file))
	}
	x.log.Warn("extension: what the cache keeps of it is damaged and made again", "error", errors.Join(described, kept))
	rewritten, err := m.rewrite(content)
	if err != nil {
		return nil, err
	}
	if err := m.entries.write(x.sum, moduleEntry, rewritten.Binary); err != nil {
		x.log.Warn("extension: the cache does not keep it", "error", err)
	}
	return m.compiled(ctx, x.sum, rewritten.Binary, rewritten.Memory.Min)
}

// ask asks the guest what it is.
func (x *Extension) ask() ([]byte, error) {
	deadline := x.manager.now() + int64(describeLimit)
	i, err := x.pool.acquire(context.Background(), false, deadline, deadline)
	if err != nil {
		return nil, err
	}
	i.begin(context.Background(), job{op: opDescribe, limit: describeLimit, wait: describeLimit}, x.manager.now(), deadline, 1)
	raw, err := i.do(job{op: opDescribe})
	err = i.finish(err)
	x.pool.release(i, x.manager.now())
	return raw, err
}

// accept reads what a module says of itself and readies what calls need.
func (x *Extension) accept(raw []byte) error {
	d, err := parseDescription(raw)
	if err != nil {
		return err
	}
	x.description = *d
	x.watchHealth()
	x.permitted = make(map[string]bool, len(d.permissions.Collections))
	for _, c := range d.permissions.Collections {
		x.permitted[c] = true
	}
	x.log = x.manager.log.With("extension", d.name, "version", d.version)
	x.granted = d.granted(x.manager.options.Grants)
	for _, g := range d.permissions.Grants {
		if !slices.Contains(x.granted, g) {
			x.log.Warn("extension: asks for what it was not granted; serve with --grant "+d.name+":"+string(g)+" if it may", "grant", string(g))
		}
	}
	x.lines = x.log.With(slog.String("source", "guest"))
	return nil
}

// discard closes a version that never counted. Somebody who was shown it may have called it, so that it goes the way of old ones if it has to.
func (m *Manager) discard(x *Extension) {
	x.retired.Store(m.now())
	x.pool.retire()
	if x.tryClose() {
		m.forget(x)
	}
}
