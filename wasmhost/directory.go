package wasmhost

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupebase/troupe/internal/routine"
)

// sighting is what a look at a file of the directory found.
type sighting struct {
	name string
	info fs.FileInfo // of when it was read
	at   time.Time   // when that was
	sum  checksum
	err  error      // it cannot be read
	kept *Extension // what is kept of that content, nil for nothing
	// keptErr is why what is kept of it will not do.
	keptErr error
}

// same tells whether a file is surely what it was when it was looked at. Times of files are coarse: one that was written just before it was read may
// have been written again since.
func (s *sighting) same(now fs.FileInfo) bool {
	return s.err == nil && s.info != nil && os.SameFile(s.info, now) && s.info.Size() == now.Size() && s.info.ModTime().Equal(now.ModTime()) &&
		s.at.Sub(s.info.ModTime()) > coarseTime
}

// moduleNames returns the names of the modules in a directory, in order, and how many there are too many of. Where there are, those that known says so of
// come first.
func moduleNames(dir string, known func(name string) bool) (names []string, left []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the extensions directory: %w", err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".wasm") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	if len(names) <= maxFiles {
		return names, nil, nil
	}
	room := maxFiles
	for _, name := range names {
		if known(name) {
			room--
		}
	}
	kept := make([]string, 0, maxFiles)
	for _, name := range names {
		switch {
		case known(name):
			kept = append(kept, name)
		case room > 0:
			room--
			kept = append(kept, name)
		default:
			left = append(left, name)
		}
	}
	return kept, left, nil
}

// sight looks at files, several at a time. before is what the last look found, wanted whether something has to be made of a content.
func (l *loader) sight(names []string) []sighting {
	list := make([]sighting, len(names))
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(names)) {
		routine.In(&group, func() {
			for n := int(next.Add(1)) - 1; n < len(names); n = int(next.Add(1)) - 1 {
				l.sightOne(names[n], &list[n])
			}
		}, func(p *routine.Panic) {
			l.m.log.Error("extensions: panic", "in", "reading", "panic", p.Value, "stack", string(p.Stack))
		})
	}
	group.Wait()
	return list
}

// sightOne looks at one file. While it runs, nobody changes what l knows.
func (l *loader) sightOne(name string, s *sighting) {
	s.name, s.at = name, time.Now()
	s.err = errors.New("the server failed while it was read") // unless it gets further
	path := filepath.Join(l.m.options.Dir, name)
	f := l.files[name]
	if f != nil {
		if info, err := os.Stat(path); err == nil && f.seen.same(info) {
			*s = f.seen
			s.kept, s.keptErr = nil, nil
		}
	}
	if s.err != nil {
		if s.sum, s.info, s.err = sumOf(path); s.err != nil {
			return
		}
	}
	if !l.wanted(f, s) {
		return
	}
	s.kept, s.keptErr = l.m.recall(name, s.sum)
}

// wanted tells whether something new has to be made of what was found.
func (l *loader) wanted(f *file, s *sighting) bool {
	if x := l.inPlace(s.name); x != nil && x.sum == s.sum {
		return false
	}
	if f == nil {
		return true
	}
	if f.candidate != nil && f.candidate.sum == s.sum {
		return false
	}
	return f.failure == nil || f.failure.sum != s.sum || f.failure.due(s.at)
}

// openModule opens a file that may be a module.
func openModule(path string) (*os.File, fs.FileInfo, error) {
	// Before it is opened: to open a pipe waits for somebody to write into it.
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, nil, errors.Join(fmt.Errorf("%s is not a file", path), err)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open a module: %w", err)
	}
	info, err := f.Stat()
	if err == nil && info.Size() > maxFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open a module: %w", err), f.Close())
	}
	return f, info, nil
}

// sumOf reads a file of bounded size for its checksum.
func sumOf(path string) (sum checksum, info fs.FileInfo, err error) {
	f, info, err := openModule(path)
	if err != nil {
		return sum, nil, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, maxFile+1))
	if err == nil && n > maxFile {
		err = fmt.Errorf("it has more than %d bytes", maxFile)
	}
	if err != nil {
		return sum, nil, fmt.Errorf("read %s: %w", path, err)
	}
	h.Sum(sum[:0])
	return sum, info, nil
}

// readModule reads a file of bounded size.
func readModule(path string) ([]byte, error) {
	f, _, err := openModule(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return content, nil
}
