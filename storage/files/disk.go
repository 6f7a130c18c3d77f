package files

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// The modes of what is made: records hold what their owners trust the server with, so other users of the machine read
// nothing of it. What is there already keeps its mode.
const (
	DirMode  = 0o700
	FileMode = 0o600
)

// Disk is what is asked of the operating system to change files. [OS] is the real one; tests put one in its place that
// fails, or tells what was synced when.
type Disk interface {
	// MkdirAll makes a directory, and those above it.
	MkdirAll(path string) error
	// Create opens a file to write to and makes it when it is missing; flag is os.O_TRUNC or os.O_EXCL.
	Create(path string, flag int) (DiskFile, error)
	Rename(from, to string) error
	Remove(path string) error
	RemoveAll(path string) error
	// SyncDir returns when what was made in, moved to and removed from a directory is on disk.
	SyncDir(path string) error
}

// DiskFile is a file that is being written.
type DiskFile interface {
	io.WriteCloser
	// Sync returns when the bytes are on disk.
	Sync() error
}

// OS is the disk of the operating system.
type OS struct{}

// MkdirAll implements [Disk].
func (OS) MkdirAll(path string) error { return os.MkdirAll(path, DirMode) }

// Create implements [Disk].
func (OS) Create(path string, flag int) (DiskFile, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|flag, FileMode)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename implements [Disk].
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements [Disk].
func (OS) Remove(path string) error { return os.Remove(path) }

// RemoveAll implements [Disk].
func (OS) RemoveAll(path string) error { return os.RemoveAll(path) }

// SyncDir implements [Disk].
func (OS) SyncDir(path string) (err error) {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be synced there
	}
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	return d.Sync()
}
