package sqlite

import (
	"context"
	"fmt"
	"testing"
)

// BenchmarkReaderCache reads a table of 100,000 rows, about 20 MB, in two ways that look at all or most of its pages: what
// decides is whether the pages are still in memory from the read before.
func BenchmarkReaderCache(b *testing.B) {
	db := openTest(b, Options{Sync: Normal},
		"CREATE TABLE post (id TEXT PRIMARY KEY NOT NULL, title TEXT, body TEXT, n NUMERIC, score NUMERIC, created TEXT, updated TEXT)",
		`WITH RECURSIVE c (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < 99999)
		 INSERT INTO post SELECT printf('post%011d', i), 'Title ' || (i * 7919 % 100000), 'A body of some length, as posts have, so that a row is not just numbers.',
		  i, 1.5, '2026-11-24 09:26:00.000Z', '2026-11-24 09:26:00.000Z' FROM c`)
	const columns = "SELECT p.id, p.title, p.body, p.n, p.score, p.created, p.updated FROM post p "
	for _, q := range []struct{ name, sql string }{
		{"unindexed sort", columns + "ORDER BY p.title, p.rowid LIMIT 30 OFFSET 0"},
		{"page 3000", columns + "ORDER BY p.rowid LIMIT 30 OFFSET 90000"},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				err := db.Read(context.Background(), func(r *Reader) error {
					s, err := r.Prepare(q.sql)
					if err != nil {
						return err
					}
					rows := 0
					for {
						row, err := s.Step()
						if err != nil {
							return err
						}
						if !row {
							break
						}
						rows++
					}
					if rows != 30 {
						return fmt.Errorf("%d rows", rows)
					}
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
