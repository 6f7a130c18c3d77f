package wasmhost

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Reload looks at the directory now: it loads what is new or has other content than before, and unloads what is gone. A file that cannot be loaded, has a name that
// another one has, or is refused by [Options.Changed] is logged, and what was loaded of it before stays. The error is one of reading the directory, which
// changes nothing.
func (m *Manager) Reload(ctx context.Context) error {
	m.reloading.Lock()
	defer m.reloading.Unlock()
	if m.closing.Load() {
		return ErrClosed
	}
	files, err := m.files()
	if err != nil {
		return err
	}
	for _, file := range files {
		if err := m.consider(ctx, file, files); err != nil {
			m.complain(file, err)
		} else {
			delete(m.complaint, file)
		}
	}
	for _, x := range m.Extensions() {
		if slices.Contains(files, x.file) {
			continue
		}
		if err := m.change(nil, x); err != nil {
			m.complain(x.file, fmt.Errorf("unload %s: %w", x.name, err))
		}
	}
	m.forgetFiles(files)
	return nil
}

// forgetFiles forgets what was wrong with files that are gone, but for those that could not be unloaded.
func (m *Manager) forgetFiles(files []string) {
	keep := slices.Clone(files)
	for _, x := range *m.set.Load() {
		keep = append(keep, x.file)
	}
	for file := range m.complaint {
		if file != "" && !slices.Contains(keep, file) {
			delete(m.complaint, file)
			delete(m.refused, file)
		}
	}
}

// files returns the names of the modules in the directory, in order.
func (m *Manager) files() ([]string, error) {
	entries, err := os.ReadDir(m.options.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the extensions directory: %w", err)
	}
	var files []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".wasm") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if len(files) == maxFiles {
			m.complain("", fmt.Errorf("more than %d modules; %s and what follows is left out", maxFiles, e.Name()))
			break
		}
		files = append(files, e.Name())
	}
	return files, nil
}

// consider loads a file if its content is new.
func (m *Manager) consider(ctx context.Context, file string, files []string) error {
	content, err := readModule(filepath.Join(m.options.Dir, file))
	if err != nil {
		return err
	}
	sum := checksum(sha256.Sum256(content))
	var old *Extension
	for _, x := range *m.set.Load() {
		if x.file == file {
			old = x
		}
	}
	switch {
	case old != nil && old.sum == sum:
		return nil
	case m.refused[file] == sum:
		return m.last(file)
	}
	x, err := m.load(ctx, file, content)
	if err != nil {
		if !errors.Is(err, ErrBusy) && !errors.Is(err, ErrTimeout) { // which may be the machine's fault
			m.refused[file] = sum
		}
		return err
	}
	delete(m.refused, file)
	replaced := []*Extension{old}
	for _, y := range *m.set.Load() {
		if y.name != x.name || y == old {
			continue
		}
		if slices.Contains(files, y.file) {
			m.discard(x)
			return fmt.Errorf("load %s: %s is the name of the extension in %s", file, x.name, y.file)
		}
		replaced = append(replaced, y) // the file was renamed
	}
	if err := m.change(x, replaced...); err != nil {
		m.discard(x)
		return fmt.Errorf("load %s: %w", file, err)
	}
	return nil
}

// last returns what was said about a file that was refused before.
func (m *Manager) last(file string) error { return errors.New(m.complaint[file]) }

// readModule reads a file of bounded size.
func readModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open a module: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(fmt.Errorf("%s is not a file", path), err)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return content, nil
}

// change puts x, unless it is nil, in the place of those that it replaces, if nobody objects. Calls of the old ones end undisturbed.
func (m *Manager) change(x *Extension, replaced ...*Extension) error {
	set := slices.DeleteFunc(m.Extensions(), func(y *Extension) bool { return slices.Contains(replaced, y) })
	if x != nil {
		set = append(set, x)
	}
	slices.SortFunc(set, func(a, b *Extension) int { return strings.Compare(a.name, b.name) })
	if m.options.Changed != nil {
		if err := m.propose(slices.Clone(set)); err != nil {
			return err
		}
	}
	m.set.Store(&set)
	for _, y := range replaced {
		if y != nil {
			y.retired.Store(m.now())
			y.pool.retire()
			m.log.Info("extension: unloaded", "extension", y.name, "version", y.version, "file", y.file)
		}
	}
	if x != nil {
		m.log.Info("extension: loaded", "extension", x.name, "version", x.version, "file", x.file, "hooks", len(x.hooks), "routes", len(x.routes))
	}
	return nil
}

// propose asks whether set may be.
func (m *Manager) propose(set []*Extension) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	if err := m.options.Changed(set); err != nil {
		return fmt.Errorf("refused: %w", err)
	}
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

// complain logs what is wrong with a file, once.
func (m *Manager) complain(file string, err error) {
	if m.complaint[file] == err.Error() {
		return
	}
	m.complaint[file] = err.Error()
	m.log.Error("extension: not loaded", "file", file, "error", err)
}
