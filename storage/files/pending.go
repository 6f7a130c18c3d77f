package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"
)

// Pending notes which files are being stored for records that are not written yet, so that a crash in between leaves
// nothing that nobody knows of. The notes are synced files of their own: they are there before the first byte is stored, also
// while a transaction is open, and whatever becomes of the database. It is safe for concurrent use.
type Pending struct {
	dir  string
	disk Disk
	last atomic.Int64
}

// NewPending keeps notes in a directory, which is created with the first one.
func NewPending(dir string, disk Disk) *Pending { return &Pending{dir: dir, disk: disk} }

// Note names files that may be stored although no record names them.
type Note struct {
	// Keys are the storage keys, nil when a crash cut the note short: then none of its files was stored.
	Keys []string
	path string
	disk Disk
}

// Note notes keys. When it returns nil the note is on disk.
func (p *Pending) Note(keys []string) (*Note, error) {
	raw, err := json.Marshal(keys)
	if err != nil {
		return nil, fmt.Errorf("note pending files: %w", err)
	}
	n := &Note{Keys: keys, path: filepath.Join(p.dir, strconv.FormatInt(p.number(), 36)+".json"), disk: p.disk}
	f, err := p.disk.Create(n.path, os.O_EXCL)
	if errors.Is(err, fs.ErrNotExist) {
		if err := p.makeDir(); err != nil {
			return nil, fmt.Errorf("note pending files: %w", err)
		}
		f, err = p.disk.Create(n.path, os.O_EXCL)
	}
	if err != nil {
		return nil, fmt.Errorf("note pending files: %w", err)
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = p.disk.SyncDir(p.dir)
	}
	if err != nil {
		return nil, fmt.Errorf("note pending files: %w", errors.Join(err, n.Done()))
	}
	return n, nil
}

// number is another one each time, also after a restart.
func (p *Pending) number() int64 {
	for {
		last := p.last.Load()
		next := max(last+1, time.Now().UnixNano())
		if p.last.CompareAndSwap(last, next) {
			return next
		}
	}
}

func (p *Pending) makeDir() error {
	if err := p.disk.MkdirAll(p.dir); err != nil {
		return err
	}
	return p.disk.SyncDir(filepath.Dir(p.dir))
}

// Done takes the note away. It need not reach the disk: a note that comes back is looked at once more.
func (n *Note) Done() error { return unlessAbsent(n.disk.Remove(n.path)) }

// Left returns the notes that are there.
func (p *Pending) Left() ([]*Note, error) {
	entries, err := os.ReadDir(p.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read notes of pending files: %w", err)
	}
	var notes []*Note
	for _, e := range entries {
		n := &Note{path: filepath.Join(p.dir, e.Name()), disk: p.disk}
		raw, err := os.ReadFile(n.path)
		if err != nil {
			return nil, fmt.Errorf("read notes of pending files: %w", err)
		}
		if json.Unmarshal(raw, &n.Keys) != nil {
			n.Keys = nil
		}
		notes = append(notes, n)
	}
	return notes, nil
}
