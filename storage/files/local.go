package files

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ErrNotFound says that no file is stored under a key, or that the key can name none.
var ErrNotFound = errors.New("file not found")

// Local keeps files in a directory. It is safe for concurrent use; the zero value is not usable, see [NewLocal].
type Local struct {
	root string
	disk Disk
	// dirs keeps an empty directory from being removed between the moment it was made and that at which a file is in it.
	dirs sync.RWMutex
}

// NewLocal returns a store below the directory root, which is created when the first file is put.
func NewLocal(root string, disk Disk) *Local { return &Local{root: root, disk: disk} }

// File is an open stored file. The caller closes it.
type File struct {
	*os.File
	Attributes
	Size     int64
	Modified time.Time
}

// tempPath is where the bytes of the file at path are while they are being written. What a crash leaves of them goes with
// [Local.Delete] of the key. No stored name begins with a dot, so this is nobody's file.
func tempPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
}

// Put stores what r gives under key, replacing what was there. When it returns nil, bytes, sidecar and the directories above
// are on disk (synced); when it fails nothing is visible under the key.
func (l *Local) Put(key string, r io.Reader, a Attributes) (err error) {
	path, err := l.path(key)
	if err != nil {
		return err
	}
	written := tempPath(path)
	temp, err := l.create(written)
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.removeIfThere(written))
		}
	}()
	if a.MD5, err = writeSynced(temp, r); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	side, err := a.encode()
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	if err := l.putSidecar(path+sidecarSuffix, side); err != nil {
		return fmt.Errorf("store attributes of %s: %w", key, err)
	}
	if err := l.disk.Rename(written, path); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	if err := l.syncAbove(path); err != nil {
		return fmt.Errorf("store %s: %w", key, errors.Join(err, l.removeIfThere(path)))
	}
	return nil
}

// create makes a file to write to, and the directories above it.
func (l *Local) create(path string) (DiskFile, error) {
	l.dirs.RLock()
	defer l.dirs.RUnlock()
	if err := l.disk.MkdirAll(filepath.Dir(path)); err != nil {
		return nil, err
	}
	return l.disk.Create(path, os.O_TRUNC)
}

// writeSynced copies r to f, syncs and closes it.
func writeSynced(f DiskFile, r io.Reader) (sum []byte, err error) {
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := md5.New()
	if _, err := io.Copy(io.MultiWriter(f, digest), r); err != nil {
		return nil, err
	}
	return digest.Sum(nil), f.Sync()
}

func (l *Local) putSidecar(path string, side []byte) error {
	f, err := l.disk.Create(path, os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = writeSynced(f, bytes.NewReader(side))
	return err
}

// syncAbove syncs the directories from that of path up to the one that holds the root: any of them may be new.
func (l *Local) syncAbove(path string) error {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if err := l.disk.SyncDir(dir); err != nil || len(dir) < len(l.root) || dir == filepath.Dir(dir) {
			return err
		}
	}
}

// Open opens the file under key. It fails with [ErrNotFound] when there is none.
func (l *Local) Open(key string) (*File, error) {
	path, err := l.path(key)
	if err != nil {
		return nil, err
	}
	attributes, err := readAttributes(path)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", key, err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%w: %s is a directory", ErrNotFound, key)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{File: f, Attributes: attributes, Size: info.Size(), Modified: info.ModTime()}, nil
}

// Delete removes the file under key, its sidecar and its thumbs, what a crash left of it, and its directory when nothing else
// is in there. A file that is not there is no error, and neither is a key under which none can be.
func (l *Local) Delete(key string) error {
	path, err := l.path(key)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	err = errors.Join(l.removeIfThere(path), l.removeIfThere(path+sidecarSuffix), l.removeIfThere(tempPath(path)), l.removeThumbs(path))
	l.dirs.Lock()
	defer l.dirs.Unlock()
	if dir != l.root {
		_ = l.disk.Remove(dir) // fails while something is in it
	}
	return err
}

func (l *Local) removeIfThere(path string) error { return unlessAbsent(l.disk.Remove(path)) }

// thumbsPrefix is what the directory with the thumbs of a file has before the file's name.
const thumbsPrefix = "thumbs_"

// removeThumbs removes the directory with the thumbs of the file at path. A file of that name is another upload.
func (l *Local) removeThumbs(path string) error {
	thumbs := filepath.Join(filepath.Dir(path), thumbsPrefix+filepath.Base(path))
	info, err := os.Lstat(thumbs)
	if err != nil || !info.IsDir() {
		return unlessAbsent(err)
	}
	return unlessAbsent(l.disk.RemoveAll(thumbs))
}

// unlessAbsent drops an error that says that a path names nothing: it is not there, leads through something that is no
// directory, or is longer than any path can be.
func unlessAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG) {
		return nil
	}
	return err
}

// removedDir is where directories wait for their removal. No collection has such an id: the prefix is reserved.
const removedDir = "_troupe_removed"

// Discard takes away everything below a directory ("<collection id>" or "<collection id>/<record id>") at once: whoever
// makes the directory again begins with an empty one. The space is given back by [Local.Empty].
func (l *Local) Discard(prefix string) error {
	path, err := l.path(strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return err
	}
	l.dirs.Lock()
	defer l.dirs.Unlock()
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	removed := filepath.Join(l.root, removedDir)
	if err := l.disk.MkdirAll(removed); err != nil {
		return fmt.Errorf("remove %s: %w", prefix, err)
	}
	into, err := os.MkdirTemp(removed, "")
	if err != nil {
		return fmt.Errorf("remove %s: %w", prefix, err)
	}
	if err := l.disk.Rename(path, filepath.Join(into, "files")); err != nil {
		return fmt.Errorf("remove %s: %w", prefix, err)
	}
	return nil
}

// Empty removes what [Local.Discard] took away.
func (l *Local) Empty() error {
	removed := filepath.Join(l.root, removedDir)
	l.dirs.Lock()
	entries, err := os.ReadDir(removed)
	l.dirs.Unlock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	errs := []error{err}
	for _, e := range entries {
		errs = append(errs, l.disk.RemoveAll(filepath.Join(removed, e.Name())))
	}
	return errors.Join(errs...)
}

// path maps a key to a path below the root. What would leave the root or hide from it is escaped or refused.
func (l *Local) path(key string) (string, error) {
	if key == "" || strings.HasSuffix(key, sidecarSuffix) {
		return "", fmt.Errorf("%w: %q is no valid key", ErrNotFound, key)
	}
	escaped := escapeKey(key)
	for _, part := range strings.Split(escaped, "/") {
		if part == "" || part == "." || part == ".." {
			return "", fmt.Errorf("%w: %q is no valid key", ErrNotFound, key)
		}
	}
	return filepath.Join(l.root, filepath.FromSlash(escaped)), nil
}

// escapeKey writes the bytes that must not be in a path as __0x<hex>__: control bytes, the slash of "../", the second
// of two slashes and a trailing one.
func escapeKey(key string) string {
	var b strings.Builder
	for i := 0; i < len(key); i++ {
		c := key[i]
		slash := c == '/' && (i == len(key)-1 || i > 0 && key[i-1] == '/' || i > 1 && key[i-2:i] == "..")
		if c < 0x20 || slash {
			fmt.Fprintf(&b, "__%#x__", c)
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}
