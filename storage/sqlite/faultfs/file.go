package faultfs

import (
	"os"
	"path/filepath"
	"syscall"
)

// File is a file of the disk that is written without SQLite.
type File struct {
	disk *Disk
	path string
	f    *os.File
}

// OpenFile opens a file that is there for reading and writing.
func (d *Disk) OpenFile(path string) (*File, error) {
	if d.call(Call{Op: Open, File: filepath.Base(path)}) != None {
		return nil, syscall.EIO
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	if err := d.opened(path); err != nil {
		return nil, err
	}
	return &File{d, path, f}, nil
}

// ReadAt implements io.ReaderAt.
func (f *File) ReadAt(p []byte, at int64) (int, error) { return f.f.ReadAt(p, at) }

// WriteAt implements io.WriterAt.
func (f *File) WriteAt(p []byte, at int64) (int, error) {
	var failed error
	fault := f.disk.call(Call{Op: Write, File: filepath.Base(f.path), Offset: at, Bytes: len(p)})
	switch fault {
	case IO, ShortIO:
		failed = syscall.EIO
	case Full, ShortFull:
		failed = syscall.ENOSPC
	}
	switch fault {
	case IO, Full:
		return 0, failed
	case ShortIO, ShortFull:
		p = p[:len(p)/2]
	}
	n, err := f.f.WriteAt(p, at)
	f.disk.written(f.path, at, append([]byte(nil), p[:n]...))
	if err == nil {
		err = failed
	}
	return n, err
}

// Sync syncs the file, as far as the disk lets it.
func (f *File) Sync() error {
	switch f.disk.call(Call{Op: Sync, File: filepath.Base(f.path)}) {
	case None:
		f.disk.synced(f.path, false)
		return nil
	case Late:
		f.disk.synced(f.path, false)
	default:
		f.disk.unsynced(f.path)
	}
	return syscall.EIO
}

// Close closes the file.
func (f *File) Close() error { return f.f.Close() }
