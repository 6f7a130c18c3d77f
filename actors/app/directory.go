package app

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/calls"
	"github.com/troupebase/troupe/storage/files"
	"github.com/troupebase/troupe/storage/migrations"
	"github.com/troupebase/troupe/storage/records"
)

// prepareDirectory makes the tables of a fresh data directory, and has read what is kept in memory of it by each of load.
func prepareDirectory(dir string, load ...func(data *zsqlite.Conn) error) (err error) {
	data, err := openFile(filepath.Join(dir, "data.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, data.Close()) }()
	aux, err := openFile(filepath.Join(dir, "auxiliary.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, aux.Close()) }()
	if err := migrations.Bootstrap(data, aux, time.Now()); err != nil {
		return err
	}
	if err := errors.Join(records.CreateTables(data), calls.CreateTable(data)); err != nil {
		return err
	}
	for _, fn := range load {
		if err := fn(data); err != nil {
			return err
		}
	}
	return nil
}

// busyTimeout is how long opening waits for another process that writes.
const busyTimeout = 10 * time.Second

// openFile opens a database file, and makes it for nobody else to read when it is missing. What SQLite puts beside it gets
// the same mode.
func openFile(path string) (*zsqlite.Conn, error) {
	made, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, files.FileMode)
	if err == nil {
		err = made.Close()
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	conn, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite, zsqlite.OpenCreate, zsqlite.OpenWAL)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(path), err)
	}
	conn.SetBusyTimeout(busyTimeout)
	return conn, nil
}

// othersMode are the bits with which a directory lets other users of the machine in.
const othersMode fs.FileMode = 0o077

// warnOfModes tells the operator of a data directory that was made for others to read too. It is not changed: somebody may
// rely on that.
func warnOfModes(log *slog.Logger, dir string) {
	if runtime.GOOS == "windows" {
		return // modes say nothing there
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode()&othersMode == 0 {
		return
	}
	log.Warn("other users of this machine may look into the data directory; chmod -R go= keeps them out",
		"dir", dir, "mode", info.Mode().Perm().String())
}
