// Package faultfs is a disk that fails on demand, below SQLite, for tests.
//
// [New] takes over all files that SQLite opens in one directory: it registers, once in the process, a file system (a VFS) in front of SQLite's default
// one. [Disk.Inject] says which operations fail and how. A [Disk] knows for each file what has been synced and what has only been
// written, so that [Disk.Crash] can make the files as a loss of power would leave them.
//
// It is as pessimistic as a disk is: what was written before a sync that failed may be lost or may be there, whatever is synced later, until it is
// overwritten or cut off and that is synced.
package faultfs

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Op is a kind of operation.
type Op string

// The operations that can fail.
const (
	Open     Op = "open"
	Write    Op = "write"
	Sync     Op = "sync"
	Truncate Op = "truncate"
	Delete   Op = "delete"
	ShmMap   Op = "shmmap" // makes a part of the index of the write-ahead log accessible
)

// Fault is how an operation fails.
type Fault int

// The faults. Those with a meaning for some operations only are IO for the others.
const (
	None      Fault = iota
	IO              // EIO, nothing was done
	Full            // ENOSPC, nothing was done
	ShortIO         // half of the bytes are written, then EIO
	ShortFull       // half of the bytes are written, then ENOSPC
	Late            // a sync does its work and then fails
)

// Call is an operation that is about to be done.
type Call struct {
	// N counts the operations since [Disk.Inject], from 1.
	N  int
	Op Op
	// File is the file's name in the directory.
	File string
	// Offset is where is written, or the size to be cut to; Bytes is how many are written. Grows tells that the file needs room for them.
	Offset int64
	Bytes  int
	Grows  bool
}

// Disk holds the files of one directory. It is safe for concurrent use.
type Disk struct {
	dir string

	mu     sync.Mutex
	inject func(Call) Fault
	count  int
	files  map[string]*content
}

// New takes over a directory. [Disk.Close] gives it back.
func New(dir string) (*Disk, error) {
	if err := register(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return nil, err
	}
	d := &Disk{dir: dir, files: make(map[string]*content)}
	return d, enter(d)
}

// Dir returns the directory as SQLite has to be told it.
func (d *Disk) Dir() string { return d.dir }

// Close gives the directory back. All of its files have to be closed.
func (d *Disk) Close() error { return leave(d) }

// Inject lets f decide about each operation from now on, nil about none. f is called by one goroutine at a time.
func (d *Disk) Inject(f func(Call) Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inject, d.count = f, 0
}

func (d *Disk) call(c Call) Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inject == nil {
		return None
	}
	d.count++
	c.N = d.count
	if f := d.files[filepath.Join(d.dir, c.File)]; c.Op == Write && f != nil {
		c.Grows = c.Offset+int64(c.Bytes) > f.size
	}
	return d.inject(c)
}

func (d *Disk) opened(path string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.files[path]
	if c != nil && !c.gone {
		return nil
	}
	there, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if c == nil {
		c = &content{durable: there}
		d.files[path] = c
	}
	c.gone, c.size = false, int64(len(there))
	return nil
}

func (d *Disk) deleted(path string, synced bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.files[path]
	if c == nil {
		return
	}
	if c.gone = true; synced {
		c.durable, c.pending = nil, nil
	} else {
		c.pending = append(c.pending, change{cut: true})
	}
}

func (d *Disk) written(path string, offset int64, data []byte) {
	d.add(path, change{offset: offset, data: data})
}

func (d *Disk) truncated(path string, size int64) { d.add(path, change{offset: size, cut: true}) }

func (d *Disk) add(path string, ch change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.files[path]
	c.pending = append(c.pending, ch)
	if end := ch.offset + int64(len(ch.data)); ch.cut || end > c.size {
		c.size = end
	}
}

// synced notes that a file was synced, and with it what was deleted in the directory, if that was synced too.
func (d *Disk) synced(path string, dir bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[path].sync()
	for _, c := range d.files {
		if dir && c.gone {
			c.durable, c.pending = nil, nil
		}
	}
}

func (d *Disk) unsynced(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.files[path]
	for i := range c.pending {
		c.pending[i].limbo = true
	}
}

// Killed returns a disk in another directory that is as this one when the process is killed now: all files as everybody sees them, and no more of them
// synced than was.
func (d *Disk) Killed(dir string) (*Disk, error) {
	next, err := New(dir)
	if err != nil {
		return nil, err
	}
	if err := d.Crash(next.dir, Kept, 0); err != nil {
		return nil, errors.Join(err, next.Close())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for path, c := range d.files {
		if !c.gone {
			next.files[filepath.Join(next.dir, filepath.Base(path))] = &content{durable: slices.Clone(c.durable), pending: slices.Clone(c.pending), size: c.size}
		}
	}
	return next, nil
}

// Loss is what a loss of power does to what was not synced.
type Loss func(random *rand.Rand) (keep, torn bool)

// Dropped loses all that was not synced, Kept nothing, as the crash of a process alone. Torn keeps some of it, some sectors of some
// of it, in whatever order.
var (
	Dropped Loss = func(*rand.Rand) (keep, torn bool) { return false, false }
	Kept    Loss = func(*rand.Rand) (keep, torn bool) { return true, false }
	Torn    Loss = func(r *rand.Rand) (keep, torn bool) { return r.IntN(2) == 0, r.IntN(3) == 0 }
)

// Crash writes into another directory what the files would hold if the power went now.
func (d *Disk) Crash(into string, loss Loss, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 1))
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, path := range slices.Sorted(maps.Keys(d.files)) { // one seed, one crash
		c := d.files[path]
		left := c.after(loss, random)
		if c.gone && len(left) == 0 {
			continue
		}
		if err := os.WriteFile(filepath.Join(into, filepath.Base(path)), left, 0o644); err != nil {
			return err
		}
	}
	return nil
}
