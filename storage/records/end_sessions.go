package records

import (
	"fmt"
	"time"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// The collections whose rows belong to a record of an auth collection.
const (
	mfasName          = "_mfas"
	otpsName          = "_otps"
	authOriginsName   = "_authOrigins"
	externalAuthsName = "_externalAuths"
)

// endSessions ends what a change of an auth record puts an end to, and draws a new token key where the change itself did
// not. It is called when r is complete and not stored yet.
func (s *Store) endSessions(cat *schema.Catalogue, tx *sqlite.Tx, r, before *Record, now time.Time) error {
	if !r.Collection.IsAuth() {
		return nil
	}
	d := &deletion{s: s, cat: cat, tx: tx, now: now}
	ids := []string{r.ID()}
	if r.Bool("verified") && !before.Bool("verified") {
		links, err := d.forget(r.Collection, ids, externalAuthsName)
		if err != nil {
			return err
		}
		if links > 0 && r.Text("tokenKey") == before.Text("tokenKey") {
			r.Set("tokenKey", generated(r.Collection.Field("tokenKey")))
		}
	}
	var ended []string
	if r.Text("tokenKey") != before.Text("tokenKey") {
		ended = append(ended, otpsName)
	}
	if r.Get("password") != before.Get("password") {
		ended = append(ended, mfasName, authOriginsName)
	}
	_, err := d.forget(r.Collection, ids, ended...)
	return err
}

// forget deletes the rows of the named collections that belong to records of c, and tells how many there were.
func (d *deletion) forget(c *schema.Collection, ids []string, names ...string) (rows int, err error) {
	for _, name := range names {
		of := d.cat.Find(name)
		if of == nil || of.IsView() || of.FieldIndex("recordRef") < 0 || of.FieldIndex("collectionRef") < 0 {
			continue
		}
		table := sqlite.QuoteName(of.Name)
		stmt, err := d.tx.Prepare("SELECT " + allColumns(of) + " FROM " + table + " WHERE " + table + ".`collectionRef` = ? AND " +
			table + ".`recordRef` IN (SELECT value FROM json_each(?))")
		if err != nil {
			return rows, fmt.Errorf("look for rows in %s: %w", of.Name, err)
		}
		stmt.BindText(1, c.ID)
		stmt.BindText(2, jsonList(ids))
		list, err := scanAll(of, stmt)
		if err != nil {
			return rows, err
		}
		if len(list) == 0 {
			continue
		}
		rows += len(list)
		if err := d.remove(of, list); err != nil {
			return rows, err
		}
	}
	return rows, nil
}
