package sqlite

import (
	"maps"
	"sync"
	"sync/atomic"
)

// Versions are table versions that were noted at one moment, by table name.
type Versions map[string]uint64

// versions counts the published writes of each table. Safe for concurrent use; reading takes no lock.
type versions struct {
	epoch  atomic.Uint64 // part of every version: raises them all
	tables atomic.Pointer[map[string]*atomic.Uint64]
	mu     sync.Mutex // held while a table is added
}

func (v *versions) of(table string) uint64 {
	n := v.epoch.Load()
	if m := v.tables.Load(); m != nil {
		if c := (*m)[table]; c != nil {
			n += c.Load()
		}
	}
	return n
}

func (v *versions) raise(table string) {
	if m := v.tables.Load(); m != nil {
		if c := (*m)[table]; c != nil {
			c.Add(1)
			return
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	next := make(map[string]*atomic.Uint64)
	if m := v.tables.Load(); m != nil {
		maps.Copy(next, *m)
	}
	if next[table] == nil {
		next[table] = new(atomic.Uint64)
	}
	next[table].Add(1)
	v.tables.Store(&next)
}

func (v *versions) raiseAll() { v.epoch.Add(1) }

// moved raises all versions, after what nobody can say the extent of.
func (db *DB) moved() {
	db.versions.raiseAll()
	db.counts.forget()
}

// Version returns the published version of a table. Note it before the snapshot begins that something is computed from (before the first
// statement inside [DB.Read]); the result is current as long as Version has not moved. A table never written has a version too. Safe for concurrent use.
func (db *DB) Version(table string) uint64 { return db.versions.of(table) }

// Note returns the versions of tables at this moment.
func (db *DB) Note(tables []string) Versions {
	v := make(Versions, len(tables))
	for _, t := range tables {
		v[t] = db.versions.of(t)
	}
	return v
}

// Current reports whether none of the noted versions has moved.
func (db *DB) Current(noted Versions) bool {
	for t, n := range noted {
		if db.versions.of(t) != n {
			return false
		}
	}
	return true
}
