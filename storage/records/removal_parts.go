package records

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// The table `_troupe_deletion` holds a row while there is a deletion in pieces, of which there is one at a time: `begun` is 0 while
// its parts are being noted, and 1 from the moment on from which it is certain to end. The table `_troupe_deletion_parts` holds
// what is still to be done, in order: each unit takes away what it has done. A start goes on with one that has begun.
const (
	createDeletion      = "CREATE TABLE IF NOT EXISTS `_troupe_deletion` (`id` INTEGER PRIMARY KEY CHECK (`id` = 1), `collection` TEXT NOT NULL, `begun` INTEGER NOT NULL)"
	createDeletionParts = "CREATE TABLE IF NOT EXISTS `_troupe_deletion_parts` (`id` INTEGER PRIMARY KEY, `collection` TEXT NOT NULL, `action` TEXT NOT NULL, `records` TEXT NOT NULL)"
	insertDeletion      = "INSERT OR IGNORE INTO `_troupe_deletion` VALUES (1, ?, 0)"
	beginDeletion       = "UPDATE `_troupe_deletion` SET `begun` = 1"
	selectBegun         = "SELECT `begun` FROM `_troupe_deletion`"
	deleteDeletion      = "DELETE FROM `_troupe_deletion`"
	insertDeletionPart  = "INSERT INTO `_troupe_deletion_parts` (`collection`, `action`, `records`) VALUES (?, ?, ?)"
	selectDeletionParts = "SELECT `id`, `collection`, `action`, `records` FROM `_troupe_deletion_parts` ORDER BY `id` LIMIT ?"
	deleteDeletionParts = "DELETE FROM `_troupe_deletion_parts` WHERE `id` <= ?"
)

// partSize is how many records a part has: the smallest piece of work, 1 to 10 milliseconds.
const partSize = 250

// pieceSizes are maxShort and partSize; tests have smaller ones.
type pieceSizes struct{ short, part int }

// removalPart is some records of one collection to which the same happens.
type removalPart struct {
	collection string
	action     Action // Deleted or Updated
	ids        []string
}

// parts cuts the cascade: first the changes, so that nothing refers to what is gone, then the deletions in their order.
func (cs *cascade) parts(size int) (changes, deletions []removalPart) {
	for i := range cs.nodes {
		if n := &cs.nodes[i]; !n.gone {
			changes = addToParts(changes, size, n.c.ID, Updated, n.id)
		}
	}
	for _, i := range cs.order() {
		deletions = addToParts(deletions, size, cs.nodes[i].c.ID, Deleted, cs.nodes[i].id)
	}
	return changes, deletions
}

func addToParts(parts []removalPart, size int, collection string, action Action, id string) []removalPart {
	if n := len(parts); n == 0 || parts[n-1].collection != collection || len(parts[n-1].ids) == size {
		parts = append(parts, removalPart{collection: collection, action: action})
	}
	last := &parts[len(parts)-1]
	last.ids = append(last.ids, id)
	return parts
}

// note writes parts down.
func noteParts(tx *sqlite.Tx, parts []removalPart) error {
	for _, p := range parts {
		if err := tx.Exec(insertDeletionPart, p.collection, string(p.action), jsonList(p.ids)); err != nil {
			return fmt.Errorf("note a part of a deletion: %w", err)
		}
	}
	return nil
}

// notedParts reads parts that are still to be done, the number of the last one, and whether there are more.
func notedParts(p Preparer, limit int) (parts []removalPart, last int64, more bool, err error) {
	stmt, err := p.Prepare(selectDeletionParts)
	if err != nil {
		return nil, 0, false, fmt.Errorf("read the parts of a deletion: %w", err)
	}
	stmt.BindInt64(1, int64(limit)+1)
	for {
		found, err := stmt.Step()
		if err != nil {
			return nil, 0, false, fmt.Errorf("read the parts of a deletion: %w", err)
		}
		if !found || len(parts) == limit {
			return parts, last, found, stmt.Reset()
		}
		last = stmt.ColumnInt64(0)
		part := removalPart{collection: stmt.ColumnText(1), action: Action(stmt.ColumnText(2))}
		if err := json.Unmarshal([]byte(stmt.ColumnText(3)), &part.ids); err != nil {
			return nil, 0, false, fmt.Errorf("read part %d of a deletion: %w", last, err)
		}
		parts = append(parts, part)
	}
}

// apply does one part. Records that are not there any more are passed over.
func (d *deletion) apply(part removalPart, g *runningDeletion) error {
	c := d.cat.ByID(part.collection)
	if c == nil || c.IsView() {
		return nil
	}
	idList := jsonList(part.ids)
	table := sqlite.QuoteName(c.Name)
	stmt, err := d.tx.Prepare("SELECT " + allColumns(c) + " FROM " + table + " WHERE " + table + ".`id` IN (SELECT value FROM json_each(?))")
	if err != nil {
		return fmt.Errorf("read records of %s to be deleted: %w", c.Name, err)
	}
	stmt.BindText(1, idList)
	list, err := scanAll(c, stmt)
	if err != nil || len(list) == 0 {
		return err
	}
	if part.action == Deleted {
		return d.drop(c, list, part.ids, idList)
	}
	for _, r := range list {
		if err := d.releaseAll(r, g); err != nil {
			return err
		}
	}
	return nil
}

// releaseAll takes what will be gone out of all relation fields of a record.
func (d *deletion) releaseAll(before *Record, g *runningDeletion) error {
	r := before.Clone()
	changed := false
	for i, f := range r.Collection.Fields {
		rel, ok := f.(*schema.RelationField)
		if !ok || rel.Polymorphic() {
			continue
		}
		ids := idsOf(before.Values[i])
		var left []string
		for _, id := range ids {
			if gone, _ := g.has(rel.CollectionID, id); !gone {
				left = append(left, id)
			}
		}
		if len(left) < len(ids) {
			r.Values[i] = rel.Cast(left)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return d.store(before, r)
}

// uniqueReference tells whether an index could refuse that relation fields of a collection lose values.
func uniqueReference(c *schema.Collection) bool {
	for _, text := range c.Indexes {
		ix := schema.ParseIndex(text)
		if !ix.Unique {
			continue
		}
		for _, column := range ix.Columns {
			if i := c.FieldIndex(column.Name); i < 0 {
				return true // an expression, or another spelling
			} else if c.Fields[i].Role() == schema.RoleRelation {
				return true
			}
		}
	}
	return false
}

// triggered tells whether somebody else's triggers are on one of the tables: they may refuse what they like.
func triggered(p Preparer, tables map[string]bool) (bool, error) {
	names := make([]string, 0, len(tables))
	for name := range tables {
		names = append(names, strings.ToLower(name))
	}
	return exists(p, "SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND lower(tbl_name) IN (SELECT value FROM json_each(?)) LIMIT 1", jsonList(names))
}
