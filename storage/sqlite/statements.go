package sqlite

import (
	"fmt"
	"sync/atomic"

	zsqlite "zombiezen.com/go/sqlite"
)

// statements is a connection's cache of prepared statements. Beyond maxStatements, or the bytes that the cache may have, the least recently
// used ones are finalised. A statement that is in use is never evicted; giveBack resets all that were used.
//
// On a Reader a text is kept only when it comes again: most texts that come once come from filters that somebody makes up, and a
// Reader's cache is for what everybody asks for.
type statements struct {
	conn  *connection
	bytes int64          // of the statements that are kept
	slow  *slowTexts     // nil on the Writer's connection
	room  *statementRoom // nil on the Writer's connection
	byKey map[string]*statement
	head  statement // ring: head.next is the most recent
	used  []*statement
}

// statementRoom is what the statements of all Readers have together. Safe for concurrent use.
type statementRoom struct {
	bytes atomic.Int64
	marks [4096]atomic.Uint32 // of texts that were seen: a part of the hash, at a place that another part says
}

// seen reports whether a text was seen before, lately, and marks it.
func (r *statementRoom) seen(hash uint64) bool {
	mark := uint32(hash>>32) | 1
	return r.marks[hash%uint64(len(r.marks))].Swap(mark) == mark
}

type statement struct {
	*zsqlite.Stmt
	sql        string
	handle     uintptr
	hash       uint64 // of sql, for a Reader's
	bytes      int64
	passing    bool // not kept beyond this loan
	writes     bool
	used       bool
	prev, next *statement
}

func (c *statements) init(conn *connection) {
	c.conn = conn
	c.byKey = make(map[string]*statement)
	c.head.next, c.head.prev = &c.head, &c.head
}

// get returns the statement for sql, reset and without bindings. A statement got a second time before giveBack is reset under
// whoever still steps it.
func (c *statements) get(sql string) (*statement, error) {
	s := c.byKey[sql]
	if s == nil {
		return c.add(sql)
	}
	if s.used {
		_ = s.Reset() // reports the failure of the run before, which its caller has seen
		if err := s.ClearBindings(); err != nil {
			return nil, err
		}
		return s, nil
	}
	if c.head.next != s {
		s.prev.next, s.next.prev = s.next, s.prev
		c.link(s)
	}
	c.use(s)
	return s, nil
}

func (c *statements) add(sql string) (*statement, error) {
	stmt, trailing, err := c.conn.PrepareTransient(sql)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", sql, err)
	}
	handle, err := handleOf(stmt)
	if err == nil && (handle == 0 || !blank(sql[len(sql)-trailing:])) {
		err = fmt.Errorf("not exactly one statement")
	}
	if err != nil {
		_ = stmt.Finalize()
		return nil, fmt.Errorf("prepare %q: %w", sql, err)
	}
	s := &statement{Stmt: stmt, sql: sql, handle: handle, writes: c.conn.writes(handle)}
	s.bytes = c.conn.bytesOf(s) + int64(len(sql)) + statementBytes
	if c.room != nil {
		s.hash = c.slow.hash(sql)
		s.passing = !c.room.seen(s.hash) || s.bytes > maxStatementBytes/4
		c.room.bytes.Add(s.bytes)
	}
	c.bytes += s.bytes
	c.byKey[sql] = s
	c.link(s)
	c.use(s)
	c.trim()
	return s, nil
}

func blank(s string) bool {
	for i := range len(s) {
		switch s[i] {
		case ' ', '\t', '\n', '\r', ';':
		default:
			return false
		}
	}
	return true
}

func (c *statements) link(s *statement) {
	s.prev, s.next = &c.head, c.head.next
	s.prev.next, s.next.prev = s, s
}

func (c *statements) use(s *statement) {
	s.used = true
	c.used = append(c.used, s)
	if c.slow != nil {
		c.conn.forgetSteps(s)
	}
}

// giveBack resets what was used since the last call, so that no statement holds a snapshot, a lock or somebody's values.
func (c *statements) giveBack() {
	if len(c.used) == 0 {
		return
	}
	for i, s := range c.used {
		_ = s.Reset() // reports the failure of the last run, which its caller has seen
		_ = s.ClearBindings()
		s.used = false
		c.used[i] = nil
		if s.passing {
			c.drop(s)
		}
	}
	c.used = c.used[:0]
	c.trim()
}

// trim finalises the least recently used statements beyond the limits, except those in use.
func (c *statements) trim() {
	for s := c.head.prev; c.full() && s != &c.head; {
		prev := s.prev
		if !s.used {
			c.drop(s)
		}
		s = prev
	}
}

// full reports whether a limit is passed. Where all Readers together have too much each keeps only a little.
func (c *statements) full() bool {
	return len(c.byKey) > maxStatements || c.bytes > maxStatementBytes ||
		c.room != nil && c.room.bytes.Load() > maxAllStatements && c.bytes > minStatementBytes
}

// drop finalises a statement that is not in use.
func (c *statements) drop(s *statement) {
	s.prev.next, s.next.prev = s.next, s.prev
	delete(c.byKey, s.sql)
	c.forget(s)
}

func (c *statements) forget(s *statement) {
	c.bytes -= s.bytes
	if c.room != nil {
		c.room.bytes.Add(-s.bytes)
	}
	_ = s.Finalize() // reports the failure of the last run only
}

// clear finalises everything.
func (c *statements) clear() {
	c.used = nil
	for _, s := range c.byKey {
		c.forget(s)
	}
	c.init(c.conn)
}
