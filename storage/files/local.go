package files

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// ErrNotFound says that no file is stored under a key, or that the key can name none.
var ErrNotFound = errors.New("file not found")

// Local keeps files in a directory. It is safe for concurrent use; the zero value is not usable, see [NewLocal].
type Local struct {
	root string
	now  func() time.Time
}

// NewLocal returns a store below the directory root, which is created when the first file is put.
func NewLocal(root string) *Local { return &Local{root: root, now: time.Now} }

// File is an open stored file. The caller closes it.
type File struct {
	*os.File
	Attributes
	Size     int64
	Modified time.Time
}

// Put stores what r gives under key, replacing what was there. When it returns nil, bytes and sidecar are on disk
// (synced); when it fails nothing is visible under the key.
func (l *Local) Put(key string, r io.Reader, a Attributes) (err error) {
	path, err := l.path(key)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	temp := path + "." + strconv.FormatInt(l.now().UnixNano(), 16) + ".tmp"
	defer func() {
		if err != nil {
			os.Remove(temp)
		}
	}()
	if a.MD5, err = writeSynced(temp, r); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	side, err := a.encode()
	if err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	if err := os.WriteFile(path+sidecarSuffix, side, 0o666); err != nil {
		return fmt.Errorf("store attributes of %s: %w", key, err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("store %s: %w", key, err)
	}
	return syncDir(filepath.Dir(path))
}

func writeSynced(path string, r io.Reader) (sum []byte, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := md5.New()
	if _, err := io.Copy(io.MultiWriter(f, digest), r); err != nil {
		return nil, err
	}
	return digest.Sum(nil), f.Sync()
}

func syncDir(dir string) (err error) {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
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

// Delete removes the file under key, its sidecar and its thumbs. A file that is not there is no error.
func (l *Local) Delete(key string) error {
	path, err := l.path(key)
	if err != nil {
		return err
	}
	thumbs := filepath.Join(filepath.Dir(path), "thumbs_"+filepath.Base(path))
	return errors.Join(removeIfThere(path), removeIfThere(path+sidecarSuffix), os.RemoveAll(thumbs))
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// DeletePrefix removes everything below the directory prefix ("<collection id>" or "<collection id>/<record id>").
func (l *Local) DeletePrefix(prefix string) error {
	path, err := l.path(strings.TrimSuffix(prefix, "/"))
	if err != nil {
		return err
	}
	return os.RemoveAll(path)
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
