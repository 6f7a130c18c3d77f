package faultfs

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"modernc.org/libc"
	"modernc.org/libc/sys/types"
	lib "modernc.org/sqlite/lib"
)

// The signatures of the methods that are put in front of SQLite's own.
type (
	openFunc     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	deleteFunc   = func(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32
	closeFunc    = func(tls *libc.TLS, file uintptr) int32
	writeFunc    = func(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32
	truncateFunc = func(tls *libc.TLS, file uintptr, size int64) int32
	syncFunc     = func(tls *libc.TLS, file uintptr, flags int32) int32
	shmMapFunc   = func(tls *libc.TLS, file uintptr, page, size, extend int32, out uintptr) int32
	errnoFunc    = func(tls *libc.TLS, vfs uintptr, size int32, text uintptr) int32
)

// shim is what the process has of this package: SQLite's registry of file systems is one for the process, too.
var shim struct {
	once     sync.Once
	err      error
	original lib.Tsqlite3_vfs // ours is a copy of the default one, with our functions

	mu      sync.RWMutex
	disks   map[string]*Disk
	files   map[uintptr]*openFile // by SQLite's handle
	methods map[uintptr]uintptr   // our tables by SQLite's
	errnos  sync.Map              // what the last fault of a thread stands for, until SQLite asks
}

// openFile is one handle of SQLite.
type openFile struct {
	disk     *Disk
	path     string
	original lib.Tsqlite3_io_methods
	dir      bool // its first sync is one of the directory, too, as SQLite does for journals
}

// register puts the shim before the default file system. It has no effect on files outside of the directories of disks.
func register() error {
	shim.once.Do(func() {
		shim.disks = make(map[string]*Disk)
		shim.files = make(map[uintptr]*openFile)
		shim.methods = make(map[uintptr]uintptr)
		tls := libc.NewTLS()
		defer tls.Close()
		name, err := libc.CString("faultfs") // for as long as the process lives
		if err != nil {
			shim.err = err
			return
		}
		lib.Xsqlite3_initialize(tls)
		found := lib.Xsqlite3_vfs_find(tls, 0)
		if found == 0 {
			shim.err = fmt.Errorf("SQLite has no default file system")
			return
		}
		shim.original = *at[lib.Tsqlite3_vfs](found)
		vfs := shim.original
		vfs.FpNext = 0
		vfs.FzName = name
		vfs.FxOpen = pointer[openFunc](open)
		vfs.FxDelete = pointer[deleteFunc](remove)
		vfs.FxGetLastError = pointer[errnoFunc](lastError)
		place := outside(vfs)
		if place == 0 {
			shim.err = errMemory
		} else if rc := lib.Xsqlite3_vfs_register(tls, place, 1); rc != lib.SQLITE_OK {
			shim.err = fmt.Errorf("register a file system: result %d", rc)
		}
	})
	return shim.err
}

var errMemory = errors.New("no memory outside of Go's")

// outside copies v to where SQLite can use it: outside of Go's memory, for as long as the process lives.
func outside[T any](v T) uintptr {
	tls := libc.NewTLS()
	defer tls.Close()
	place := libc.Xmalloc(tls, types.Size_t(unsafe.Sizeof(v)))
	if place != 0 {
		*at[T](place) = v
	}
	return place
}

// at reads an address of SQLite's memory, which Go's collector neither moves nor frees.
func at[T any](address uintptr) *T { return (*T)(*(*unsafe.Pointer)(unsafe.Pointer(&address))) }

// pointer is how the translated SQLite keeps a function: the word of Go's function value. f is a function of the package, never a closure, which
// nothing would keep alive.
func pointer[F any](f F) uintptr { return *(*uintptr)(unsafe.Pointer(&f)) }

// function is the way back.
func function[F any](p uintptr) F { return *(*F)(unsafe.Pointer(&p)) }

func diskOf(path string) *Disk {
	shim.mu.RLock()
	defer shim.mu.RUnlock()
	return shim.disks[filepath.Dir(path)]
}

func fileOf(handle uintptr) *openFile {
	shim.mu.RLock()
	defer shim.mu.RUnlock()
	return shim.files[handle]
}

func open(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	original := function[openFunc](shim.original.FxOpen)
	if name == 0 {
		return original(tls, vfs, name, file, flags, outFlags)
	}
	path := libc.GoString(name)
	disk := diskOf(path)
	if disk == nil {
		return original(tls, vfs, name, file, flags, outFlags)
	}
	if fault := disk.call(Call{Op: Open, File: filepath.Base(path)}); fault != None {
		at[lib.Tsqlite3_file](file).FpMethods = 0
		return lib.SQLITE_CANTOPEN
	}
	rc := original(tls, vfs, name, file, flags, outFlags)
	handle := at[lib.Tsqlite3_file](file)
	if rc != lib.SQLITE_OK || handle.FpMethods == 0 {
		return rc
	}
	if err := disk.opened(path); err != nil {
		return lib.SQLITE_IOERR
	}
	shim.mu.Lock()
	defer shim.mu.Unlock()
	journal := flags&(lib.SQLITE_OPEN_WAL|lib.SQLITE_OPEN_MAIN_JOURNAL) != 0
	shim.files[file] = &openFile{disk: disk, path: path, original: *at[lib.Tsqlite3_io_methods](handle.FpMethods), dir: journal}
	handle.FpMethods = patched(handle.FpMethods)
	return rc
}

// patched returns the table of methods with ours in it. The caller holds the lock.
func patched(original uintptr) uintptr {
	if place := shim.methods[original]; place != 0 {
		return place
	}
	m := *at[lib.Tsqlite3_io_methods](original)
	m.FxClose = pointer[closeFunc](closeFile)
	m.FxWrite = pointer[writeFunc](write)
	m.FxTruncate = pointer[truncateFunc](truncate)
	m.FxSync = pointer[syncFunc](syncFile)
	if m.FxShmMap != 0 {
		m.FxShmMap = pointer[shmMapFunc](shmMap)
	}
	place := outside(m)
	if place == 0 {
		return original // nothing fails then, which the tests notice
	}
	shim.methods[original] = place
	return place
}

func closeFile(tls *libc.TLS, file uintptr) int32 {
	shim.mu.Lock()
	f := shim.files[file]
	delete(shim.files, file)
	shim.mu.Unlock()
	return function[closeFunc](f.original.FxClose)(tls, file)
}

func remove(tls *libc.TLS, vfs, name uintptr, syncDir int32) int32 {
	path := libc.GoString(name)
	disk := diskOf(path)
	if disk != nil {
		if fault := disk.call(Call{Op: Delete, File: filepath.Base(path)}); fault != None {
			return lib.SQLITE_IOERR_DELETE
		}
	}
	rc := function[deleteFunc](shim.original.FxDelete)(tls, vfs, name, syncDir)
	if disk != nil && rc == lib.SQLITE_OK {
		disk.deleted(path, syncDir != 0)
	}
	return rc
}

func write(tls *libc.TLS, file, data uintptr, n int32, offset int64) int32 {
	f := fileOf(file)
	fault := f.disk.call(Call{Op: Write, File: filepath.Base(f.path), Offset: offset, Bytes: int(n)})
	failed(tls, fault)
	var result int32
	switch fault {
	case IO, ShortIO:
		result = lib.SQLITE_IOERR_WRITE
	case Full, ShortFull:
		result = lib.SQLITE_FULL
	}
	switch fault {
	case IO, Full:
		return result
	case ShortIO, ShortFull:
		n /= 2
	}
	rc := function[writeFunc](f.original.FxWrite)(tls, file, data, n, offset)
	if rc == lib.SQLITE_OK {
		f.disk.written(f.path, offset, append([]byte(nil), unsafe.Slice(at[byte](data), n)...))
		rc = result
	}
	return rc
}

func truncate(tls *libc.TLS, file uintptr, size int64) int32 {
	f := fileOf(file)
	if fault := f.disk.call(Call{Op: Truncate, File: filepath.Base(f.path), Offset: size}); fault != None {
		return lib.SQLITE_IOERR_TRUNCATE
	}
	rc := function[truncateFunc](f.original.FxTruncate)(tls, file, size)
	if rc == lib.SQLITE_OK {
		f.disk.truncated(f.path, size)
	}
	return rc
}

// syncFile does not sync: what counts as synced is what the disk says, and the file system below loses nothing under a test.
func syncFile(tls *libc.TLS, file uintptr, _ int32) int32 {
	f := fileOf(file)
	fault := f.disk.call(Call{Op: Sync, File: filepath.Base(f.path)})
	failed(tls, fault)
	switch fault {
	case None:
		f.disk.synced(f.path, f.dir)
		f.dir = false
		return lib.SQLITE_OK
	case Late:
		f.disk.synced(f.path, f.dir)
		f.dir = false
	default:
		f.disk.unsynced(f.path)
	}
	return lib.SQLITE_IOERR_FSYNC
}

func shmMap(tls *libc.TLS, file uintptr, page, size, extend int32, out uintptr) int32 {
	f := fileOf(file)
	fault := f.disk.call(Call{Op: ShmMap, File: filepath.Base(f.path)})
	failed(tls, fault)
	switch {
	case fault == Full && extend != 0:
		return lib.SQLITE_IOERR_SHMSIZE
	case fault != None:
		return lib.SQLITE_IOERR_SHMMAP
	}
	return function[shmMapFunc](f.original.FxShmMap)(tls, file, page, size, extend, out)
}

// failed notes what a fault of a thread stands for.
func failed(tls *libc.TLS, fault Fault) {
	switch fault {
	case Full, ShortFull:
		shim.errnos.Store(tls, int32(syscall.ENOSPC))
	case IO, ShortIO, Late:
		shim.errnos.Store(tls, int32(syscall.EIO))
	}
}

func lastError(tls *libc.TLS, vfs uintptr, size int32, text uintptr) int32 {
	if errno, ours := shim.errnos.LoadAndDelete(tls); ours {
		return errno.(int32)
	}
	return function[errnoFunc](shim.original.FxGetLastError)(tls, vfs, size, text)
}

// enter makes a disk the one of its directory.
func enter(d *Disk) error {
	shim.mu.Lock()
	defer shim.mu.Unlock()
	if shim.disks[d.dir] != nil {
		return fmt.Errorf("%s has a disk already", d.dir)
	}
	shim.disks[d.dir] = d
	return nil
}

func leave(d *Disk) error {
	shim.mu.Lock()
	defer shim.mu.Unlock()
	for _, f := range shim.files {
		if f.disk == d {
			return fmt.Errorf("%s is still open", strings.TrimPrefix(f.path, d.dir+string(filepath.Separator)))
		}
	}
	delete(shim.disks, d.dir)
	return nil
}
