package schema

import (
	"context"
	"fmt"
	"strings"

	"github.com/troupebase/troupe/storage/validation"
)

// RuleCheck tells whether a rule parses and resolves against the fields of c and the collections of cat. The text of
// its error is shown to clients.
type RuleCheck func(cat *Catalogue, c *Collection, rule string) error

// Leaves of collection definitions.
var (
	errNil             = validation.New("validation_nil", "Must be blank.")
	errNilOrNotEmpty   = validation.New("validation_nil_or_not_empty_required", "Cannot be blank.")
	errInvalidID       = validation.New("validation_invalid_or_existing_id", "The model id is invalid or already exists.")
	errSystemFlag      = validation.New("validation_collection_system_flag_change", "System collection state cannot be changed.")
	errTypeChange      = validation.New("validation_collection_type_change", "Collection type cannot be changed.")
	errSystemName      = validation.New("validation_collection_system_name_change", "System collection name cannot be changed.")
	errNameExists      = validation.New("validation_collection_name_exists", "Collection name must be unique (case insensitive).")
	errNameIsID        = validation.New("validation_collection_name_id_duplicate", "The name must not match an existing collection id.")
	errInternalName    = validation.New("validation_collection_name_invalid", "The name shouldn't match with an existing internal table.")
	errSystemRule      = validation.New("validation_collection_system_rule_change", "System collection API rule cannot be changed.")
	errMissingPK       = validation.New("validation_missing_primary_key", `Missing or invalid "id" PK field.`)
	errSystemField     = validation.New("validation_system_field_change", "System fields cannot be deleted or renamed.")
	errTypeOfField     = validation.New("validation_field_type_change", "Field type cannot be changed.")
	errReservedName    = validation.New("validation_reserved_field_name", "The field name is reserved and cannot be used.")
	errNoIndexes       = validation.New("validation_indexes_not_supported", "View collections don't support indexes.")
	errInvalidIndex    = validation.New("validation_invalid_index_expression", "Invalid CREATE INDEX expression.")
	errIndexName       = validation.New("validation_duplicated_index_name", "The index name already exists.")
	errIndexDefinition = validation.New("validation_duplicated_index_definition", "The index definition already exists.")
)

// reservedPrefix begins, in any case, the names of tables and of directories of files that are the server's own. No new
// collection has a name or an id that does.
const reservedPrefix = "_troupe_"

func reserved(s string) bool {
	return len(s) >= len(reservedPrefix) && strings.EqualFold(s[:len(reservedPrefix)], reservedPrefix)
}

// database is what a validation asks of the tables.
type database interface {
	// internalTable tells whether a table or view has that name in any case.
	internalTable(name string) (bool, error)
	// indexTable returns the table of the index with that name in any case, "" when there is none.
	indexTable(name string) (string, error)
}

// validator checks one normalised collection.
type validator struct {
	ctx    context.Context
	c      *Collection
	stored *Collection // nil for a new one
	others []*Collection
	db     database
	check  RuleCheck
	// viewErr is why the query of a view was refused, nil when it was not.
	viewErr error
	// saved tells that the tables are those of the collection already.
	saved bool

	catalogue *Catalogue
	failure   error // of the database
}

// validate returns all that is wrong with the collection, or the failure of the database.
func (v *validator) validate() (validation.Errors, error) {
	errs := validation.Errors{}
	errs.Set("id", v.checkID())
	if v.stored != nil && v.stored.System != v.c.System {
		errs.Set("system", errSystemFlag)
	}
	errs.Set("type", v.checkType())
	errs.Set("name", v.checkName())
	errs.Set("fields", v.checkFields())
	for _, r := range v.c.rules() {
		errs.Set(r.key, v.checkAPIRule(r))
	}
	errs.Set("indexes", v.checkIndexes())
	switch v.c.Type {
	case Auth:
		v.checkAuth(errs)
	case View:
		errs.Set("viewQuery", v.viewErr)
	}
	return errs, v.failure
}

func (v *validator) checkID() error {
	id := v.c.ID
	if v.stored != nil {
		if id != v.stored.ID {
			return validation.Mismatch
		}
		return nil
	}
	switch {
	case id == "":
		return validation.Required
	case len(id) > 100:
		return errLength(1, 100)
	case !wordPattern.MatchString(id):
		return errMatch
	case reserved(id):
		return errInvalidID
	}
	for _, other := range v.others {
		if other.ID == id {
			return errInvalidID
		}
	}
	return nil
}

func (v *validator) checkType() error {
	switch v.c.Type {
	case Base, Auth, View:
	default:
		return errIn
	}
	if v.stored != nil && v.stored.Type != v.c.Type {
		return errTypeChange
	}
	return nil
}

func (v *validator) checkName() error {
	name := v.c.Name
	switch {
	case name == "":
		return validation.Required
	case len(name) > 255:
		return errLength(1, 255)
	case strings.Contains(strings.ToLower(name), "_via_"):
		return errVia
	case !wordPattern.MatchString(name):
		return errMatch
	case v.stored != nil && v.stored.System && v.stored.Name != name:
		return errSystemName
	}
	for _, other := range v.others {
		if sameName(other.Name, name) {
			return errNameExists
		}
	}
	for _, other := range v.others {
		if other.ID == name {
			return errNameIsID
		}
	}
	if v.saved || v.stored != nil && sameName(v.stored.Name, name) {
		return nil
	}
	if reserved(name) {
		return errInternalName
	}
	internal, err := v.db.internalTable(name)
	if err != nil {
		v.failure = err
	}
	if internal {
		return errInternalName
	}
	return nil
}

func (v *validator) checkFields() error {
	if len(v.c.Fields) == 0 {
		return validation.Required
	}
	if errs := duplicateField(v.c.Fields); errs != nil {
		return errs
	}
	if err := v.checkNeededFields(); err != nil {
		return err
	}
	if v.c.Type != View {
		if err := v.checkStoredFields(); err != nil {
			return err
		}
	}
	if v.c.Type == Auth {
		errs := validation.Errors{}
		for i, f := range v.c.Fields {
			if name := f.Base().Name; name == "passwordConfirm" || name == "oldPassword" {
				errs.Set(decimal(i), validation.Errors{"name": errReservedName})
			}
		}
		if len(errs) > 0 {
			return errs
		}
	}
	return v.checkFieldOptions().Or()
}

// duplicateField reports the first name that was there before in any case, or the first repeated id.
func duplicateField(fields []Field) error {
	names, ids := map[string]bool{}, map[string]bool{}
	for i, f := range fields {
		b := f.Base()
		name := strings.ToLower(b.Name)
		if ids[b.ID] {
			return validation.Errors{decimal(i): validation.Errors{"id": validation.New(
				"validation_duplicated_field_id", fmt.Sprintf("Duplicated or invalid field id %q.", b.ID))}}
		}
		if names[name] {
			return validation.Errors{decimal(i): validation.Errors{"name": validation.New(
				"validation_duplicated_field_name", fmt.Sprintf("Duplicated or invalid field name %s.", b.Name)).
				With(map[string]any{"fieldName": b.Name})}}
		}
		ids[b.ID], names[name] = true, true
	}
	return nil
}

func (v *validator) checkNeededFields() error {
	id, ok := v.c.Field("id").(*TextField)
	if !ok || !id.PrimaryKey {
		return errMissingPK
	}
	if v.c.Type != Auth {
		return nil
	}
	for _, want := range newAuthFields() {
		name := want.Base().Name
		if f := v.c.Field(name); f == nil || f.Type() != want.Type() {
			return validation.New("validation_missing_"+strings.ToLower(name)+"_field",
				fmt.Sprintf("System %q field is required.", name))
		}
	}
	return nil
}

// checkStoredFields compares with the fields as they are stored: those of the system stay, and types do not change.
func (v *validator) checkStoredFields() error {
	if v.stored == nil || v.stored.Type == View {
		return nil
	}
	for _, old := range v.stored.Fields {
		b := old.Base()
		if !b.System {
			continue
		}
		if f := v.c.fieldByID(b.ID); f == nil || f.Base().Name != b.Name {
			return errSystemField
		}
	}
	errs := validation.Errors{}
	for i, f := range v.c.Fields {
		if old := v.stored.fieldByID(f.Base().ID); old != nil && old.Type() != f.Type() {
			errs.Set(decimal(i), errTypeOfField)
		}
	}
	return errs.Or()
}

func (v *validator) checkFieldOptions() validation.Errors {
	in := OptionsInput{Collection: v.c, Stored: v.stored, Find: v.find}
	errs := validation.Errors{}
	for i, f := range v.c.Fields {
		in.StoredField = nil
		if v.stored != nil {
			in.StoredField = v.stored.fieldByID(f.Base().ID)
		}
		errs.Set(decimal(i), f.ValidateOptions(v.ctx, &in))
	}
	return errs
}

// find sees the collections that exist, so a new one does not find itself.
func (v *validator) find(id string) *Collection {
	if v.stored != nil && v.stored.ID == id {
		return v.c
	}
	for _, other := range v.others {
		if other.ID == id {
			return other
		}
	}
	return nil
}

func (v *validator) checkAPIRule(r namedRule) error {
	rule := *r.rule
	if v.c.Type == View && r.key != "listRule" && r.key != "viewRule" {
		if rule != nil {
			return errNil
		}
	} else if err := v.checkRule(rule); err != nil {
		return err
	}
	if v.stored == nil || !v.stored.System {
		return nil
	}
	for _, old := range v.stored.rules() {
		if old.key == r.key && !sameRule(*old.rule, rule) {
			return errSystemRule
		}
	}
	return nil
}

// checkRule compiles a rule. It sees the collection under its new name and, when it is being renamed, under the old
// one too, since rules are not rewritten.
func (v *validator) checkRule(rule *string) error {
	if rule == nil || *rule == "" || v.check == nil {
		return nil
	}
	if v.catalogue == nil {
		list := append([]*Collection(nil), v.others...)
		if v.stored != nil && !sameName(v.stored.Name, v.c.Name) {
			list = append(list, v.stored)
		}
		v.catalogue = NewCatalogue(0, append(list, v.c))
	}
	if err := v.check(v.catalogue, v.c, *rule); err != nil {
		return validation.New("validation_invalid_rule", "Invalid rule. Raw error: "+err.Error())
	}
	return nil
}
