package calls

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	zsqlite "zombiezen.com/go/sqlite"

	"github.com/troupebase/troupe/storage/sqlite"
)

// The table `_troupe_extension_calls` holds a row for each call. It is written by units of whoever makes the calls, and by nobody else.
const (
	createTable = "CREATE TABLE IF NOT EXISTS `main`.`_troupe_extension_calls` (`number` INTEGER PRIMARY KEY, `id` TEXT UNIQUE NOT NULL, `extension` TEXT NOT NULL," +
		" `hook` TEXT NOT NULL, `event` TEXT NOT NULL, `collection` TEXT NOT NULL, `record` TEXT NOT NULL, `data` TEXT, `asker` TEXT, `depth` INTEGER NOT NULL," +
		" `attempts` INTEGER NOT NULL, `next` INTEGER NOT NULL, `error` TEXT NOT NULL, `created` INTEGER NOT NULL, `state` TEXT NOT NULL)"
	insertCall = "INSERT INTO `main`.`_troupe_extension_calls` (`id`, `extension`, `hook`, `event`, `collection`, `record`, `data`, `asker`, `depth`, `attempts`, `next`, `error`, `created`, `state`)" +
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	updateCall    = "UPDATE `main`.`_troupe_extension_calls` SET `attempts` = ?, `next` = ?, `error` = ?, `state` = ? WHERE `id` = ?"
	removeCall    = "DELETE FROM `main`.`_troupe_extension_calls` WHERE `id` = ?"
	replayAll     = "UPDATE `main`.`_troupe_extension_calls` SET `attempts` = 0, `next` = ?, `state` = 'waiting' WHERE `extension` = ?"
	headerColumns = "`number`, `id`, `extension`, `hook`, `event`, `collection`, `record`, `asker`, `depth`, `attempts`, `next`, `error`, `created`, `state`, coalesce(length(CAST(`data` AS BLOB)), 0)"
	selectHeaders = "SELECT " + headerColumns + " FROM `main`.`_troupe_extension_calls` WHERE `number` > ? ORDER BY `number` LIMIT ?"
	selectCall    = "SELECT " + headerColumns + ", `data` FROM `main`.`_troupe_extension_calls` WHERE `id` = ?"
	listWhere     = " FROM `main`.`_troupe_extension_calls` WHERE (?1 = '' OR `extension` = ?1) AND (?2 = '' OR `state` = ?2)"
	selectList    = "SELECT " + headerColumns + ", CASE WHEN length(CAST(`data` AS BLOB)) <= ?3 THEN `data` END" + listWhere + " ORDER BY `number` LIMIT ?4 OFFSET ?5"
	countList     = "SELECT count(*)" + listWhere
)

// dataColumn is where a statement has the record, when it has it.
const dataColumn = 15

// ErrNotFound says that there is no such call.
var ErrNotFound = errors.New("no such call")

// CreateTable makes the table in a data file that does not have it.
func CreateTable(conn *zsqlite.Conn) error {
	stmt, _, err := conn.PrepareTransient(createTable)
	if err == nil {
		defer stmt.Finalize()
		_, err = stmt.Step()
	}
	if err != nil {
		return fmt.Errorf("create the table of calls: %w", err)
	}
	return nil
}

// dropped tells whether somebody took the table away.
func dropped(err error) bool { return err != nil && strings.Contains(err.Error(), "no such table") }

// Insert writes a new call and gives it its number.
func Insert(tx *sqlite.Tx, c *Call) error {
	asker, err := c.asker()
	if err != nil {
		return err
	}
	var data any
	if len(c.Data) > 0 && len(c.Data) <= MaxRecord {
		data = string(c.Data)
	}
	if text, ok := asker.([]byte); ok {
		asker = string(text)
	}
	c.Error = cut(c.Error, MaxError)
	write := func() error {
		return tx.Exec(insertCall, c.ID, c.Extension, c.Hook, c.Event, c.Collection, c.Record, data, asker, c.Depth, c.Attempts, c.Next.UnixMilli(), c.Error,
			c.Created.UnixMilli(), string(c.State))
	}
	err = write()
	if dropped(err) {
		if err = tx.Exec(createTable); err == nil {
			err = write()
		}
	}
	if err != nil {
		return fmt.Errorf("keep a call of %s: %w", c.Extension, err)
	}
	c.Number = tx.Conn().LastInsertRowID()
	return nil
}

// Update writes attempts, time, error and state. A call that is not there any more stays so.
func Update(tx *sqlite.Tx, c *Call) error {
	c.Error = cut(c.Error, MaxError)
	if err := tx.Exec(updateCall, c.Attempts, c.Next.UnixMilli(), c.Error, string(c.State), c.ID); err != nil && !dropped(err) {
		return fmt.Errorf("update a call of %s: %w", c.Extension, err)
	}
	return nil
}

// Remove takes a call away.
func Remove(tx *sqlite.Tx, id string) error {
	if err := tx.Exec(removeCall, id); err != nil && !dropped(err) {
		return fmt.Errorf("remove a call: %w", err)
	}
	return nil
}

// ReplayAll makes all calls of an extension due, as if they had not been tried.
func ReplayAll(tx *sqlite.Tx, extension string, now time.Time) error {
	if err := tx.Exec(replayAll, now.UnixMilli(), extension); err != nil && !dropped(err) {
		return fmt.Errorf("replay the calls of %s: %w", extension, err)
	}
	return nil
}

// Preparer is what a statement runs on: a Reader or the Writer's transaction.
type Preparer interface {
	Prepare(sql string) (*zsqlite.Stmt, error)
}

// Header is a call without its record.
type Header struct {
	Call
	// DataBytes is how long the record is.
	DataBytes int
	// Unreadable is what is wrong with the row, nil for most: somebody else wrote it. Number and ID can be relied on.
	Unreadable error
}

// Bytes is [Call.Bytes] with the record.
func (h *Header) Bytes() int { return h.Call.Bytes() - len(h.Data) + h.DataBytes }

// Headers returns up to limit calls with numbers above one, in order, without their records.
func Headers(p Preparer, after int64, limit int) ([]Header, error) {
	return query(p, selectHeaders, false, after, limit)
}

// Get returns one call. It fails with [ErrNotFound].
func Get(p Preparer, id string) (*Header, error) {
	list, err := query(p, selectCall, true, id)
	if err == nil && len(list) == 0 {
		err = fmt.Errorf("%w: %.40q", ErrNotFound, id)
	}
	if err != nil {
		return nil, err
	}
	return &list[0], nil
}

// Wanted says which calls are listed. An empty Extension or State means all.
type Wanted struct {
	Extension string
	State     State
	// Shown is up to how many bytes of a record are listed with its call.
	Shown         int
	Limit, Offset int
}

// List returns calls in order, and how many there are in all. It counts them as well.
func List(p Preparer, w Wanted) (list []Header, total int, err error) {
	if list, err = query(p, selectList, true, w.Extension, string(w.State), w.Shown, w.Limit, w.Offset); err != nil {
		return nil, 0, err
	}
	stmt, err := p.Prepare(countList)
	if err == nil {
		err = sqlite.Bind(stmt, w.Extension, string(w.State))
	}
	if err == nil {
		_, err = stmt.Step()
	}
	if dropped(err) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, fmt.Errorf("count calls: %w", err)
	}
	total = stmt.ColumnInt(0)
	return list, total, stmt.Reset()
}

// query reads the rows of a statement. A table that is gone has none.
func query(p Preparer, sql string, withData bool, args ...any) ([]Header, error) {
	stmt, err := p.Prepare(sql)
	if dropped(err) {
		return nil, nil
	}
	if err == nil {
		err = sqlite.Bind(stmt, args...)
	}
	if err != nil {
		return nil, fmt.Errorf("read calls: %w", err)
	}
	var list []Header
	for {
		found, err := stmt.Step()
		if err != nil {
			return nil, fmt.Errorf("read calls: %w", err)
		}
		if !found {
			return list, nil
		}
		list = append(list, scan(stmt, withData))
	}
}

// scan reads the current row.
func scan(stmt *zsqlite.Stmt, withData bool) Header {
	h := Header{
		Call: Call{
			Number: stmt.ColumnInt64(0), ID: stmt.ColumnText(1), Extension: stmt.ColumnText(2), Hook: stmt.ColumnText(3), Event: stmt.ColumnText(4),
			Collection: stmt.ColumnText(5), Record: stmt.ColumnText(6), Depth: bounded(stmt.ColumnInt64(8)), Attempts: bounded(stmt.ColumnInt64(9)),
			Next: time.UnixMilli(stmt.ColumnInt64(10)), Error: stmt.ColumnText(11), Created: time.UnixMilli(stmt.ColumnInt64(12)), State: State(stmt.ColumnText(13)),
		},
		DataBytes: stmt.ColumnInt(14),
	}
	if stmt.ColumnType(7) != zsqlite.TypeNull {
		h.Asker, h.Unreadable = parseAsker([]byte(stmt.ColumnText(7)))
	}
	if !h.State.Valid() {
		h.Unreadable = errors.Join(h.Unreadable, fmt.Errorf("no such state: %.40q", string(h.State)))
	}
	if withData && stmt.ColumnType(dataColumn) != zsqlite.TypeNull {
		h.Data = []byte(stmt.ColumnText(dataColumn))
	}
	return h
}

// bounded is a count that somebody else may have written.
func bounded(n int64) int { return int(min(max(n, 0), math.MaxInt32)) }
