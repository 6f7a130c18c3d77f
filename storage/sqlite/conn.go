package sqlite

import (
	"errors"
	"fmt"
	"reflect"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
	zsqlite "zombiezen.com/go/sqlite"
)

// connection is a zombiezen connection with the engine's own handle beside it and our cache of statements.
// One goroutine at a time may use it, except for interrupt.
type connection struct {
	*zsqlite.Conn
	tls   *libc.TLS
	db    uintptr
	cache statements
}

// connect opens path for reading and writing and applies pragmas, in order.
func connect(path string, extra func(*zsqlite.Conn) error, pragmas ...string) (*connection, error) {
	conn, err := zsqlite.OpenConn(path, zsqlite.OpenReadWrite, zsqlite.OpenCreate)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	c := &connection{Conn: conn}
	if err := c.prepareUse(extra, pragmas); err != nil {
		conn.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return c, nil
}

func (c *connection) prepareUse(extra func(*zsqlite.Conn) error, pragmas []string) error {
	c.SetBusyTimeout(busyTimeout)
	if err := c.findHandle(); err != nil {
		return err
	}
	if err := c.allowDoubleQuotedStrings(); err != nil {
		return err
	}
	c.cache.init(c)
	for _, p := range pragmas {
		if err := c.run(p); err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
	}
	if extra == nil {
		return nil
	}
	return extra(c.Conn)
}

// findHandle reads the handle that zombiezen does not show. It goes by the fields' names, so that another version of
// the library ends in an error here, never in a wrong pointer.
func (c *connection) findHandle() error {
	v := reflect.ValueOf(c.Conn).Elem()
	tls, db := v.FieldByName("tls"), v.FieldByName("conn")
	if !tls.IsValid() || !db.IsValid() || tls.Type() != reflect.TypeFor[*libc.TLS]() || db.Kind() != reflect.Uintptr {
		return fmt.Errorf("the SQLite library does not show its handle as expected")
	}
	c.tls, c.db = (*libc.TLS)(tls.UnsafePointer()), uintptr(db.Uint())
	return nil
}

// allowDoubleQuotedStrings turns back on what zombiezen turns off: views, indexes and defaults of existing directories say
// things like `status = "active"`, and the file would not open properly without.
func (c *connection) allowDoubleQuotedStrings() error {
	for _, option := range []int32{lib.SQLITE_DBCONFIG_DQS_DDL, lib.SQLITE_DBCONFIG_DQS_DML} {
		if err := c.turnOn(option); err != nil {
			return fmt.Errorf("allow double-quoted strings: %w", err)
		}
	}
	return nil
}

// keepLog makes the connection leave the log as it is when it is the last one that is closed. Otherwise SQLite moves it into the file.
func (c *connection) keepLog() error {
	if err := c.turnOn(lib.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE); err != nil {
		return fmt.Errorf("keep the log: %w", err)
	}
	return nil
}

// turnOn turns one of SQLite's options for a connection on.
func (c *connection) turnOn(option int32) error {
	on := libc.NewVaList(int32(1), uintptr(0))
	if on == 0 {
		return fmt.Errorf("out of memory")
	}
	defer libc.Xfree(c.tls, on)
	return zsqlite.ResultCode(lib.Xsqlite3_db_config(c.tls, c.db, option, on)).ToError()
}

// interrupt ends the statements that run now. It may be called from any goroutine while the connection is open; tls is the caller's own.
func (c *connection) interrupt(tls *libc.TLS) { lib.Xsqlite3_interrupt(tls, c.db) }

// handleOf returns the engine's pointer of s: zero when its text held no statement.
func handleOf(s *zsqlite.Stmt) (uintptr, error) {
	p := reflect.ValueOf(s).Elem().FieldByName("stmt")
	if !p.IsValid() || p.Kind() != reflect.Uintptr {
		return 0, fmt.Errorf("the SQLite library does not show a statement's handle as expected")
	}
	return uintptr(p.Uint()), nil
}

// writes reports whether running the statement could change the file.
func (c *connection) writes(handle uintptr) bool {
	return lib.Xsqlite3_stmt_readonly(c.tls, handle) == 0
}

// run executes one statement that is not kept.
func (c *connection) run(sql string) error {
	stmt, _, err := c.PrepareTransient(sql)
	if err != nil {
		return err
	}
	defer stmt.Finalize()
	for {
		row, err := stmt.Step()
		if err != nil || !row {
			return err
		}
	}
}

// queryRow executes one statement that is not kept and has one row.
func (c *connection) queryRow(sql string, read func(*zsqlite.Stmt)) (err error) {
	stmt, _, err := c.PrepareTransient(sql)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stmt.Finalize()) }()
	return row(stmt, func() { read(stmt) })
}

// close finalises every statement and closes the connection.
func (c *connection) close() error {
	c.cache.clear()
	return c.Conn.Close()
}

func writerPragmas(m SyncMode) []string {
	return []string{
		"PRAGMA journal_mode=WAL",
		"PRAGMA journal_size_limit=200000000",
		"PRAGMA synchronous=" + m.String(),
		"PRAGMA foreign_keys=ON",
		"PRAGMA temp_store=MEMORY",
		fmt.Sprintf("PRAGMA cache_size=-%d", writerCacheKB),
	}
}

func readerPragmas() []string {
	return []string{
		"PRAGMA foreign_keys=ON",
		"PRAGMA temp_store=MEMORY",
		fmt.Sprintf("PRAGMA cache_size=-%d", readerCacheKB),
		"PRAGMA wal_autocheckpoint=0",
		"PRAGMA query_only=ON",
	}
}
