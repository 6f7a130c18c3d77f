package sqlite

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	zsqlite "zombiezen.com/go/sqlite"
)

const (
	benchRows = 10000
	benchView = "SELECT p.id, p.title, p.body, p.n, p.score, p.created, p.updated FROM post p WHERE p.id = ?"
	benchList = "SELECT p.id, p.title, p.body, p.n, p.score, p.created, p.updated FROM post p ORDER BY p.rowid LIMIT 30 OFFSET ?"
)

func openBench(b *testing.B, mode SyncMode) *DB {
	b.Helper()
	db := openTest(b, Options{Sync: mode},
		"CREATE TABLE post (id TEXT PRIMARY KEY NOT NULL, title TEXT, body TEXT, n NUMERIC, score NUMERIC, created TEXT, updated TEXT)",
		"CREATE TABLE rule (id TEXT PRIMARY KEY NOT NULL, role TEXT)", "INSERT INTO rule VALUES ('u', 'admin')")
	mustDo(b, db, func(tx *Tx) error {
		for i := range benchRows {
			err := tx.Exec("INSERT INTO post VALUES (?, ?, 'A body of some length, as posts have, so that a row is not just numbers.', ?, 1.5, '2026-11-24 09:26:00.000Z', '2026-11-24 09:26:00.000Z')",
				fmt.Sprintf("post%011d", i), "Title "+strconv.Itoa(i), i)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return db
}

// update is a unit as a record's update is: load the row, judge a rule, write.
type update struct{ id string }

func (u update) Apply(tx *Tx) error {
	s, err := tx.Prepare(benchView)
	if err != nil {
		return err
	}
	s.BindText(1, u.id)
	if _, err := s.Step(); err != nil {
		return err
	}
	n := s.ColumnInt64(3)
	if s, err = tx.Prepare("SELECT 1 FROM rule WHERE id = ? AND role = 'admin'"); err != nil {
		return err
	}
	s.BindText(1, "u")
	if _, err := s.Step(); err != nil {
		return err
	}
	if s, err = tx.Prepare("UPDATE post SET n = ?, updated = ? WHERE id = ?"); err != nil {
		return err
	}
	s.BindInt64(1, n+1)
	s.BindText(2, "2026-11-24 09:27:00.000Z")
	s.BindText(3, u.id)
	if _, err := s.Step(); err != nil {
		return err
	}
	tx.Touch("post")
	tx.Emit(u)
	return nil
}

func BenchmarkUnits(b *testing.B) {
	for _, mode := range []SyncMode{Full, Normal} {
		for _, callers := range []int{1, 16, 64} {
			b.Run(fmt.Sprintf("%v/%d", mode, callers), func(b *testing.B) {
				db := openBench(b, mode)
				var groups atomic.Int64
				db.options.Committed = func(Group) { groups.Add(1) }
				var next atomic.Int64
				var wg sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range callers {
					wg.Go(func() {
						for {
							i := next.Add(1)
							if i > int64(b.N) {
								return
							}
							if err := db.Do(context.Background(), update{fmt.Sprintf("post%011d", i*7919%benchRows)}); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "units/s")
				b.ReportMetric(float64(b.N)/float64(max(groups.Load(), 1)), "units/group")
			})
		}
	}
}

// appendRow writes a row of seven columns as the record encoder does, without escaping.
func appendRow(dst []byte, s *zsqlite.Stmt) []byte {
	for i := range 7 {
		dst = append(dst, '"')
		if i == 3 || i == 4 {
			dst = strconv.AppendFloat(dst, s.ColumnFloat(i), 'f', -1, 64)
		} else {
			n := s.ColumnLen(i)
			dst = append(dst, make([]byte, n)...)
			s.ColumnBytes(i, dst[len(dst)-n:])
		}
		dst = append(dst, '"', ',')
	}
	return dst
}

// A benchRead reads the i-th time into buf.
type benchRead func(r *Reader, buf []byte, i int) ([]byte, error)

// viewOf reads one of the rows.
func viewOf(ids []string) benchRead {
	return func(r *Reader, buf []byte, i int) ([]byte, error) {
		s, err := r.Prepare(benchView)
		if err != nil {
			return nil, err
		}
		s.BindText(1, ids[i&1023])
		if _, err := s.Step(); err != nil {
			return nil, err
		}
		return appendRow(buf[:0], s), nil
	}
}

func readList(r *Reader, buf []byte, i int) ([]byte, error) {
	s, err := r.Prepare(benchList)
	if err != nil {
		return nil, err
	}
	s.BindInt64(1, int64(i&63))
	buf = buf[:0]
	for {
		row, err := s.Step()
		if err != nil || !row {
			return buf, err
		}
		buf = appendRow(buf, s)
	}
}

// benchNothing is what a read costs that reads nothing.
func benchNothing(b *testing.B, db *DB) {
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := db.Read(context.Background(), func(*Reader) error { return nil }); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkReads(b *testing.B) {
	db := openBench(b, Normal)
	ids := make([]string, 1024)
	for i := range ids {
		ids[i] = fmt.Sprintf("post%011d", i*7919%benchRows)
	}
	for _, q := range []struct {
		name string
		read benchRead
	}{{"view", viewOf(ids)}, {"list30", readList}} {
		b.Run(q.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				var buf []byte
				for i := 0; pb.Next(); i++ {
					err := db.Read(context.Background(), func(r *Reader) (err error) {
						buf, err = q.read(r, buf, i)
						return err
					})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	b.Run("nothing", func(b *testing.B) { benchNothing(b, db) })
	for name, sql := range map[string]string{"raw view": benchView, "raw list30": benchList} {
		b.Run(name, func(b *testing.B) { benchRaw(b, db, sql, ids) })
	}
}

// benchRaw steps the same statement with nothing around it: bind, step, read seven columns, reset.
func benchRaw(b *testing.B, db *DB, sql string, ids []string) {
	b.RunParallel(func(pb *testing.PB) {
		c, err := connect(db.options.Path, nil, readerPragmas()...)
		if err != nil {
			b.Error(err)
			return
		}
		defer c.close()
		s, err := c.Conn.Prepare(sql)
		if err != nil {
			b.Error(err)
			return
		}
		var buf []byte
		for i := 0; pb.Next(); i++ {
			if sql == benchView {
				s.BindText(1, ids[i&1023])
			} else {
				s.BindInt64(1, int64(i&63))
			}
			buf = buf[:0]
			for {
				row, err := s.Step()
				if err != nil {
					b.Error(err)
					return
				}
				if !row {
					break
				}
				buf = appendRow(buf, s)
			}
			if err := s.Reset(); err != nil {
				b.Error(err)
			}
		}
	})
}
