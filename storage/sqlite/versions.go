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
	tables atomic.Pointer[map[string]*tableVersion]
	mu     sync.Mutex // held while a table is added
}

// tableVersion counts all writes, and those among them that did more than add rows.
type tableVersion struct{ writes, rewrites atomic.Uint64 }

func (v *versions) of(table string) uint64 {
	n := v.epoch.Load()
	if t := v.find(table); t != nil {
		n += t.writes.Load()
	}
	return n
}

func (v *versions) find(table string) *tableVersion {
	if m := v.tables.Load(); m != nil {
		return (*m)[table]
	}
	return nil
}

// table returns the version of a table to raise.
func (v *versions) table(table string) *tableVersion {
	if t := v.find(table); t != nil {
		return t
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	next := make(map[string]*tableVersion)
	if m := v.tables.Load(); m != nil {
		maps.Copy(next, *m)
	}
	if next[table] == nil {
		next[table] = new(tableVersion)
	}
	v.tables.Store(&next)
	return next[table]
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

// Rewrites is [DB.Version] without the writes that only added rows, each with a higher rowid than all rows before it.
func (db *DB) Rewrites(table string) uint64 {
	n := db.versions.epoch.Load()
	if t := db.versions.find(table); t != nil {
		n += t.rewrites.Load()
	}
	return n
}

// OnlyGrew reports whether everything in a snapshot is published, which [LastGroup] gave that number in, and [DB.Rewrites] of the table
// has stayed as it was noted: then rows were added and nothing else was done from the snapshot of that time to this one.
func (db *DB) OnlyGrew(table string, noted, group uint64) bool {
	return db.counts.published(group) && db.Rewrites(table) == noted
}

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
