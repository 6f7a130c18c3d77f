package wasmhost

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// codeEntry is the kind of entry that says where the compiled code of a module is, and its checksum: the runtime's own checks cover the code, not where it
// begins, and what is read from there is run.
const codeEntry = ".code"

type codeFile struct {
	Runtime string   `json:"runtime"` // its version
	Path    string   `json:"path"`    // below the directory of the cache
	Sum     checksum `json:"sum"`
}

// compiled makes the code of a module when it is its turn: few do it at a time, because it takes a core, and memory.
func (m *Manager) compiled(ctx context.Context, sum checksum, binary []byte, pages uint32) (*engine, error) {
	m.compiling <- struct{}{}
	defer func() { <-m.compiling }()
	if m.entries.dir != "" && !m.codeIsWhole(sum) {
		if err := m.keepCode(ctx, sum, binary); err != nil {
			return nil, err
		}
	}
	return m.newEngine(ctx, binary, pages)
}

// codeIsWhole tells whether the code of a module is in the cache as it was when it was made. If it is not, it is not there any more.
func (m *Manager) codeIsWhole(sum checksum) bool {
	var kept codeFile
	b, err := m.entries.read(sum, codeEntry)
	if err != nil || json.Unmarshal(b, &kept) != nil || kept.Runtime != runtimeVersion() || !filepath.IsLocal(kept.Path) {
		return false
	}
	path := filepath.Join(m.options.CacheDir, kept.Path)
	code, err := os.ReadFile(path)
	if err == nil && sha256.Sum256(code) == kept.Sum {
		return true
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		m.log.Warn("extensions: damaged code stays in the cache", "file", path, "error", err)
	}
	return false
}

// keepCode compiles a module into the cache. It is done in a directory apart, because the name that the runtime gives the file is its own.
func (m *Manager) keepCode(ctx context.Context, sum checksum, binary []byte) (err error) {
	dir, err := os.MkdirTemp(m.entries.dir, "code-*")
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := m.compileInto(ctx, dir, binary); err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		code, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("keep code: %w", err)
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return fmt.Errorf("keep code: %w", err)
		}
		b, err := json.Marshal(codeFile{Runtime: runtimeVersion(), Path: rel, Sum: sha256.Sum256(code)})
		if err != nil {
			return fmt.Errorf("keep code: %w", err)
		}
		to := filepath.Join(m.options.CacheDir, rel)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o700), os.Rename(path, to)); err != nil {
			return fmt.Errorf("keep code: %w", err)
		}
		return m.entries.write(sum, codeEntry, b)
	})
}

// compileInto compiles a module into a directory of its own.
func (m *Manager) compileInto(ctx context.Context, dir string, binary []byte) (err error) {
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cache.Close(ctx)) }()
	r := wazero.NewRuntimeWithConfig(ctx, m.runtimeConfig(cache))
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	c, err := r.CompileModule(listening(ctx), binary) // as it is read later: the name of the file depends on it
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

// runtimeConfig is that of the runtimes of guests.
func (m *Manager) runtimeConfig(cache wazero.CompilationCache) wazero.RuntimeConfig {
	return wazero.NewRuntimeConfig().WithCompilationCache(cache).WithMemoryLimitPages(m.limits.MemoryPages).
		WithCoreFeatures(api.CoreFeaturesV2).WithDebugInfoEnabled(false) // which the rewriting has made wrong anyway
}

// runtimeVersion is the version of the runtime, which names its part of the cache after it.
func runtimeVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, d := range info.Deps {
		if d.Path == "github.com/tetratelabs/wazero" {
			return d.Version
		}
	}
	return ""
}

// notCompiled says what an error of compiling depends on: the disk, or the module.
func notCompiled(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	if errors.As(err, &path) || errors.As(err, &link) {
		return &loadError{ofRun, err}
	}
	return &loadError{ofContent, err}
}
