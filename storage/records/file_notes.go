package records

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// The table `_troupe_files_pending` names what is to be removed from the file store: the keys of files that no record names any
// more, and "<collection id>/" for all files of a collection that is gone. It is written by the unit that makes them so, and
// cleared when they are gone: a crash in between is made good at the next start.
const (
	createRemovals = "CREATE TABLE IF NOT EXISTS `main`.`_troupe_files_pending` (`key` TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID"
	insertRemovals = "INSERT OR IGNORE INTO `main`.`_troupe_files_pending` SELECT value FROM json_each(?)"
	selectRemovals = "SELECT `key` FROM `main`.`_troupe_files_pending` WHERE `key` > ? ORDER BY `key` LIMIT ?"
	deleteRemovals = "DELETE FROM `main`.`_troupe_files_pending` WHERE `key` IN (SELECT value FROM json_each(?))"
)

// NoteRemovals notes files that are to be removed when the transaction is committed.
func NoteRemovals(tx *sqlite.Tx, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	if err := tx.Exec(insertRemovals, jsonList(keys)); err != nil {
		return fmt.Errorf("note files to be removed: %w", err)
	}
	return nil
}

// ClearRemovals returns the work that takes notes back.
func ClearRemovals(keys []string) sqlite.Work {
	return sqlite.WorkFunc(func(tx *sqlite.Tx) error { return tx.Exec(deleteRemovals, jsonList(keys)) })
}

// Removals returns up to limit noted keys that come after one, in order.
func Removals(p Preparer, after string, limit int) ([]string, error) {
	stmt, err := p.Prepare(selectRemovals)
	if err != nil {
		return nil, fmt.Errorf("read files to be removed: %w", err)
	}
	stmt.BindText(1, after)
	stmt.BindInt64(2, int64(limit))
	var keys []string
	for {
		found, err := stmt.Step()
		if err != nil {
			return nil, fmt.Errorf("read files to be removed: %w", err)
		}
		if !found {
			return keys, nil
		}
		keys = append(keys, stmt.ColumnText(0))
	}
}

// Unnamed tells whether nothing names what lies under a key: no record the file, or for "<collection id>/", no collection.
func (s *Store) Unnamed(p Preparer, key string) (bool, error) {
	cat := s.catalogue()
	collection, rest, _ := strings.Cut(key, "/")
	c := cat.ByID(collection)
	if c == nil {
		return true, nil
	}
	if rest == "" {
		return false, nil
	}
	if c.IsView() {
		return true, nil
	}
	id, _, _ := strings.Cut(rest, "/")
	r, err := s.load(p, s.compiled(cat), c, id)
	if errors.Is(err, ErrNotFound) {
		// A record that cannot be read is not found either, but is there and keeps its files.
		there, err := exists(p, "SELECT 1 FROM "+sqlite.QuoteName(c.Name)+" WHERE `id` = ? LIMIT 1", id)
		return !there && err == nil, err
	}
	if err != nil {
		return false, err
	}
	return !slices.Contains(r.FileKeys(), key), nil
}

// noteDropped notes the files that before names and r, nil for a deleted record, does not.
func noteDropped(tx *sqlite.Tx, before []*Record, r *Record) error {
	if len(before) == 0 || !hasFiles(before[0].Collection) {
		return nil
	}
	var gone []string
	for _, old := range before {
		gone = append(gone, dropped(old, r)...)
	}
	return NoteRemovals(tx, gone)
}

// dropped lists the keys of the files that old names and r, nil for none, does not.
func dropped(old, r *Record) []string {
	if r == nil {
		return old.FileKeys()
	}
	same := true
	for i, f := range old.Collection.Fields {
		if f.Role() == schema.RoleFiles && !slices.Equal(idsOf(old.Values[i]), idsOf(r.Values[i])) {
			same = false
		}
	}
	if same {
		return nil
	}
	kept := r.FileKeys()
	return slices.DeleteFunc(old.FileKeys(), func(key string) bool { return slices.Contains(kept, key) })
}

func hasFiles(c *schema.Collection) bool {
	return slices.ContainsFunc(c.Fields, func(f schema.Field) bool { return f.Role() == schema.RoleFiles })
}
