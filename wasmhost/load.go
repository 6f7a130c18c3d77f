package wasmhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/troupebase/troupe/internal/routine"
	"github.com/troupebase/troupe/wasmhost/abi"
	"github.com/troupebase/troupe/wasmhost/rewrite"
)

// checksum tells contents of files apart.
type checksum [sha256.Size]byte

// load makes an extension of a file's content: rewrite, compile, and ask it to describe itself. On failure nothing is left of it.
func (m *Manager) load(ctx context.Context, file string, content []byte) (x *Extension, err error) {
	x = &Extension{manager: m, file: file, sum: sha256.Sum256(content), log: m.log.With("file", file)}
	x.lines = x.log
	x.pool.extension = x
	m.mu.Lock()
	m.live[x] = true // so that the watchdog sees it
	m.mu.Unlock()
	defer func() {
		// The compiler is large and the file comes from anywhere: a panic in it is a broken file, not the end of the server.
		if v := recover(); v != nil {
			m.log.Error("extension: panic while loading", "file", file, "panic", v, "stack", string(debug.Stack()))
			err = fmt.Errorf("load %s: panic: %v", file, v)
		}
		if err != nil {
			x.tryClose()
			m.forget(x)
			x = nil
		}
	}()
	notice := routine.After(m.options.compileNotice, func() {
		m.log.Info("compiling an extension; this is done once, unless the file changes", "file", file)
	}, func(*routine.Panic) {})
	defer notice.Stop()
	if err := x.compile(ctx, content); err != nil {
		return x, fmt.Errorf("load %s: %w", file, err)
	}
	if err := x.describe(); err != nil {
		return x, fmt.Errorf("describe %s: %w", file, err)
	}
	return x, nil
}

// compile makes native code of the rewritten module, in a runtime of its own.
func (x *Extension) compile(ctx context.Context, content []byte) error {
	rewritten, err := rewrite.Module(content, rewrite.Options{MaxDepth: guestDepth})
	if err != nil {
		return err
	}
	if err := rewritten.CheckContract(abi.Module, wasiModule); err != nil {
		return err
	}
	limits := x.manager.limits
	if rewritten.Memory.Min > limits.MemoryPages {
		return fmt.Errorf("the memory has %d pages from the start, more than %d", rewritten.Memory.Min, limits.MemoryPages)
	}
	config := wazero.NewRuntimeConfig().WithCompilationCache(x.manager.cache).WithMemoryLimitPages(limits.MemoryPages).
		WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false) // which the rewriting has made wrong anyway
	x.memory = int64(rewritten.Memory.Min) << 16
	x.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if err := errors.Join(exportHost(ctx, x.runtime), exportWASI(ctx, x.runtime)); err != nil {
		return fmt.Errorf("host functions: %w", err)
	}
	if x.compiled, err = x.runtime.CompileModule(ctx, rewritten.Binary); err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	// Without a name there may be many instances; without start functions nothing runs that could not be stopped.
	x.config = wazero.NewModuleConfig().WithName("").WithStartFunctions()
	return nil
}

// describe asks the guest what it is and readies what calls need.
func (x *Extension) describe() error {
	deadline := x.manager.now() + int64(describeLimit)
	i, err := x.pool.acquire(context.Background(), false, deadline, deadline)
	if err != nil {
		return err
	}
	i.begin(context.Background(), job{op: opDescribe}, deadline, 1)
	raw, err := i.do(job{op: opDescribe})
	err = i.finish(err)
	x.pool.release(i, x.manager.now())
	if err != nil {
		return err
	}
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
