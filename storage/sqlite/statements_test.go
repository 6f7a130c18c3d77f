package sqlite

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// large is a statement that takes some 100 KB when it is prepared; %d makes texts differ.
func large(i int) string {
	terms := make([]string, 150)
	for k := range terms {
		terms[k] = fmt.Sprintf("v <> %d", i*1000+k)
	}
	return "SELECT count(*) FROM t WHERE " + strings.Join(terms, " OR ")
}

// TestLaw13_StatementsOfReadersAreBounded prepares statements that nobody asks for again, then each twice: neither fills the
// memory, nor makes the Reader forget what is in use.
func TestLaw13_StatementsOfReadersAreBounded(t *testing.T) {
	db := openTest(t, patient, tableT)
	const inUse = "SELECT v FROM t WHERE id = 1"
	for range 2 {
		ints(t, db, inUse)
	}
	handle := func() (h uintptr) {
		err := db.Read(t.Context(), func(r *Reader) error {
			s, err := r.conn.cache.get(inUse)
			if err == nil {
				h = s.handle
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first := handle()
	for _, times := range []int{1, 2} {
		for i := range 150 {
			for range times {
				ints(t, db, large(times*1000+i))
			}
			if handle() != first {
				t.Fatalf("after %d others, %d times each, a statement in use is prepared again", i, times)
			}
		}
		err := db.Read(t.Context(), func(r *Reader) error {
			c := &r.conn.cache
			if times == 1 && c.bytes > 100_000 {
				t.Errorf("%d bytes of texts that came once are kept", c.bytes)
			}
			if c.bytes > maxStatementBytes || times == 2 && c.bytes < maxStatementBytes/2 {
				t.Errorf("%d bytes are kept, %d statements", c.bytes, len(c.byKey))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLaw13_StatementsOfAllReadersAreBounded has many Readers keep statements at the same time.
func TestLaw13_StatementsOfAllReadersAreBounded(t *testing.T) {
	db := openTest(t, patient, tableT)
	for i := range 120 {
		var inside, all sync.WaitGroup
		leave := make(chan struct{})
		for range 12 {
			inside.Add(1)
			all.Go(func() {
				err := db.Read(t.Context(), func(r *Reader) error {
					err := run(r, large(i))
					inside.Done()
					<-leave
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		inside.Wait()
		close(leave)
		all.Wait()
		for range 2 {
			ints(t, db, large(i))
		}
	}
	p := db.pool
	if n := p.statements.bytes.Load(); n > maxAllStatements+int64(p.limits.readers())*minStatementBytes {
		t.Errorf("%d bytes of statements are kept", n)
	}
	p.mu.Lock()
	var sum int64
	for _, r := range p.free {
		sum += r.conn.cache.bytes
		r.conn.cache.clear()
	}
	p.mu.Unlock()
	if sum < 1<<20 {
		t.Errorf("only %d bytes were kept: the test shows nothing", sum)
	}
	if n := p.statements.bytes.Load(); n != 0 {
		t.Errorf("%d bytes are counted that nobody has", n)
	}
}
