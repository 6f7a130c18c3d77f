package records

import (
	"errors"
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
)

// The failures that need the database to be found.
var (
	failureNoTarget    = validation.New("validation_missing_rel_collection", "Relation connection is missing or cannot be accessed.")
	failureNoRelated   = validation.New("validation_missing_rel_records", "Failed to find all relation records with the provided ids.")
	failureIDChange    = validation.New("validation_pk_change", "The record primary key cannot be changed.")
	failureIDTaken     = validation.New("validation_pk_invalid", "The record primary key is invalid or already exists.")
	failureAuthIDTaken = validation.New("validation_invalid_auth_id", "Invalid or duplicated auth record id.")
)

// checkValues checks all values of a record by their types. before is the stored record, nil for a new one.
func checkValues(r, before *Record, uploads []*PendingFile) validation.Errors {
	errs := validation.Errors{}
	op := schema.Create
	if before != nil {
		op = schema.Update
	}
	for i, f := range r.Collection.Fields {
		name := f.Base().Name
		if before != nil && name == "id" {
			if r.ID() != before.ID() {
				errs.Set(name, failureIDChange)
			}
			continue
		}
		if file, ok := f.(*schema.FileField); ok {
			var stored []string
			if before != nil {
				stored = idsOf(before.Values[i])
			}
			errs.Set(name, checkFiles(file, idsOf(r.Values[i]), stored, uploads))
			continue
		}
		errs.Set(name, f.Validate(r.Values[i], op))
	}
	return errs
}

// checkRelations adds the failures of relation fields whose records do not exist. before is the stored record, nil for a
// new one.
func checkRelations(cat *schema.Catalogue, p Preparer, r, before *Record, errs validation.Errors) error {
	for i, f := range r.Collection.Fields {
		rel, ok := f.(*schema.RelationField)
		if !ok || errs[rel.Name] != nil {
			continue
		}
		ids := idsOf(r.Values[i])
		if len(ids) == 0 {
			continue
		}
		if rel.Polymorphic() {
			var kept []string
			if before != nil {
				kept = idsOf(before.Values[i])
			}
			failure, err := checkPolymorphic(cat, p, rel, ids, kept)
			if err != nil {
				return err
			}
			if failure != nil {
				errs[rel.Name] = failure
			}
			continue
		}
		target := cat.ByID(rel.CollectionID)
		if target == nil {
			errs[rel.Name] = failureNoTarget
			continue
		}
		all, err := allExist(p, target, ids)
		if err != nil {
			return err
		}
		if !all {
			errs[rel.Name] = failureNoRelated
		}
	}
	return nil
}

func allExist(p Preparer, c *schema.Collection, ids []string) (bool, error) {
	table := sqlite.QuoteName(c.Name)
	stmt, err := p.Prepare("SELECT COUNT(*) FROM " + table + " WHERE " + table + ".`id` IN (SELECT value FROM json_each(?))")
	if len(ids) == 1 {
		stmt, err = p.Prepare("SELECT COUNT(*) FROM " + table + " WHERE " + table + ".`id` = ?")
	}
	if err != nil {
		return false, fmt.Errorf("look for related records in %s: %w", c.Name, err)
	}
	if len(ids) == 1 {
		stmt.BindText(1, ids[0])
	} else {
		stmt.BindText(1, jsonList(ids))
	}
	if _, err := stmt.Step(); err != nil {
		return false, fmt.Errorf("look for related records in %s: %w", c.Name, err)
	}
	return stmt.ColumnInt(0) == len(ids), stmt.Reset()
}

// checkID adds the failures of a new id that only other records can show.
func checkID(cat *schema.Catalogue, p Preparer, r *Record, errs validation.Errors) error {
	if errs["id"] != nil {
		return nil
	}
	if f, ok := r.Collection.Field("id").(*schema.TextField); ok && !f.UsualID() {
		taken, err := exists(p, "SELECT 1 FROM "+sqlite.QuoteName(r.Collection.Name)+" WHERE `id` = ? COLLATE NOCASE LIMIT 1", r.ID())
		if err != nil {
			return err
		}
		if taken {
			errs["id"] = failureIDTaken
			return nil
		}
	}
	if !r.Collection.IsAuth() {
		return nil
	}
	for _, c := range cat.Collections {
		if !c.IsAuth() || c.ID == r.Collection.ID {
			continue
		}
		taken, err := exists(p, "SELECT 1 FROM "+sqlite.QuoteName(c.Name)+" WHERE `id` = ? LIMIT 1", r.ID())
		if err != nil {
			return err
		}
		if taken {
			errs["id"] = failureAuthIDTaken
			return nil
		}
	}
	return nil
}

// exists tells whether a statement with one text parameter finds a row.
func exists(p Preparer, sql, value string) (bool, error) {
	stmt, err := p.Prepare(sql)
	if err != nil {
		return false, fmt.Errorf("look for a record: %w", err)
	}
	stmt.BindText(1, value)
	found, err := stmt.Step()
	if err != nil {
		return false, fmt.Errorf("look for a record: %w", err)
	}
	return found, stmt.Reset()
}

// uniqueFailure turns the violation of a unique index into failures of the fields that SQLite names. An index on an
// expression names none, the tree is empty then.
func uniqueFailure(c *schema.Collection, err error) error {
	var unique *sqlite.UniqueError
	if !errors.As(err, &unique) {
		return err
	}
	errs := validation.Errors{}
	for _, column := range unique.Columns {
		name := column[strings.LastIndexByte(column, '.')+1:]
		if c.Field(name) != nil {
			errs[name] = validation.NotUnique
		}
	}
	return errs
}
