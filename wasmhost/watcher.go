package wasmhost

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// watcher is the goroutine that reloads when files change. It also waits for a directory that does not exist yet.
type watcher struct {
	manager *Manager
	dir     string // absolute
	fs      *fsnotify.Watcher
	on      string // what is watched: dir, or what there is above it
	quit    chan struct{}
	ended   chan struct{}
}

// newWatcher begins to watch; nil, with a word in the log, if the system does not allow it.
func newWatcher(m *Manager) *watcher {
	fs, err := fsnotify.NewWatcher()
	if err != nil {
		m.log.Error("extensions: changes will not be noticed", "error", err)
		return nil
	}
	dir, err := filepath.Abs(m.options.Dir)
	if err != nil {
		dir = m.options.Dir
	}
	w := &watcher{manager: m, dir: dir, fs: fs, quit: make(chan struct{}), ended: make(chan struct{})}
	w.aim()
	return w
}

// aim watches the directory, or the nearest one above it that exists.
func (w *watcher) aim() {
	for {
		on := w.dir
		for !isDir(on) && filepath.Dir(on) != on {
			on = filepath.Dir(on)
		}
		if err := w.fs.Add(on); err != nil {
			w.manager.log.Error("extensions: watch", "dir", on, "error", err)
			return
		}
		if w.on != on && w.on != "" {
			// Gone with its directory, mostly.
			if err := w.fs.Remove(w.on); err != nil && !errors.Is(err, fsnotify.ErrNonExistentWatch) {
				w.manager.log.Debug("extensions: stop watching", "dir", w.on, "error", err)
			}
		}
		w.on = on
		if on == w.dir || !isDir(below(on, w.dir)) {
			return
		}
	}
}

// below is the path one step from dir towards to.
func below(dir, to string) string {
	rel, err := filepath.Rel(dir, to)
	if err != nil {
		return to
	}
	first, _, _ := strings.Cut(rel, string(filepath.Separator))
	return filepath.Join(dir, first)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// run waits until a change is over and reloads then.
func (w *watcher) run() {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	var first time.Time // of a series of events, zero without one
	for {
		select {
		case <-w.quit:
			return
		case e, ok := <-w.fs.Events:
			if !ok {
				return
			}
			if !w.concerns(e) {
				continue
			}
			if first.IsZero() {
				first = time.Now()
			}
			timer.Reset(max(0, min(debounce, debounceLimit-time.Since(first))))
		case err, ok := <-w.fs.Errors:
			if !ok {
				return
			}
			// An overflow, mostly: something was missed, so look.
			w.manager.log.Warn("extensions: watch", "error", err)
			timer.Reset(debounce)
		case <-timer.C:
			first = time.Time{}
			w.aim()
			w.manager.lookSoon()
		}
	}
}

// concerns tells events of modules and of the directory itself from others.
func (w *watcher) concerns(e fsnotify.Event) bool {
	if e.Op == fsnotify.Chmod {
		return false
	}
	name := filepath.Clean(e.Name)
	if filepath.Dir(name) == w.dir {
		return strings.HasSuffix(name, ".wasm")
	}
	return name == w.dir || strings.HasPrefix(w.dir, name+string(filepath.Separator))
}

// stop ends the goroutine and waits for it.
func (w *watcher) stop() {
	close(w.quit)
	<-w.ended
	if err := w.fs.Close(); err != nil {
		w.manager.log.Warn("extensions: stop watching", "error", err)
	}
}
