package sqlite

import (
	"fmt"

	zsqlite "zombiezen.com/go/sqlite"
)

// statements is a connection's cache of prepared statements: least recently used ones are finalised beyond maxStatements.
// A statement that is in use is never evicted; giveBack resets all that were used.
type statements struct {
	conn  *connection
	slow  *slowTexts // nil on the Writer's connection
	byKey map[string]*statement
	head  statement // ring: head.next is the most recent
	used  []*statement
}

type statement struct {
	*zsqlite.Stmt
	sql        string
	handle     uintptr
	hash       uint64 // of sql, for a Reader's
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
	if c.slow != nil {
		s.hash = c.slow.hash(sql)
	}
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
	}
	c.used = c.used[:0]
	c.trim()
}

// trim finalises the least recently used statements beyond the limit, except those in use.
func (c *statements) trim() {
	for s := c.head.prev; len(c.byKey) > maxStatements && s != &c.head; {
		prev := s.prev
		if !s.used {
			s.prev.next, s.next.prev = s.next, s.prev
			delete(c.byKey, s.sql)
			_ = s.Finalize() // reports the failure of the last run only
		}
		s = prev
	}
}

// clear finalises everything.
func (c *statements) clear() {
	c.used = nil
	for _, s := range c.byKey {
		_ = s.Finalize() // reports the failure of the last run only
	}
	c.init(c.conn)
}
