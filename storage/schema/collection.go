package schema

import (
	"slices"
	"strings"
)

// Type is the kind of a collection.
type Type string

// The kinds of collections.
const (
	Base Type = "base"
	Auth Type = "auth"
	View Type = "view"
)

// Collection is the definition of a collection. Once it is in a [Catalogue] it is immutable and safe for concurrent
// use; to change one, work on a [Collection.Clone].
type Collection struct {
	ID      string
	Name    string
	Type    Type
	System  bool
	Fields  []Field
	Indexes []string

	// A rule is nil (superusers only), "" (everyone) or a filter expression.
	ListRule   *string
	ViewRule   *string
	CreateRule *string
	UpdateRule *string
	DeleteRule *string

	// Created and Updated are datetimes in the stored form.
	Created string
	Updated string

	// Auth holds the options of an auth collection and is nil for the other types.
	Auth *AuthOptions
	// ViewQuery is the SELECT of a view collection as it was sent.
	ViewQuery string

	// Incarnation tells collections apart that had the same id one after the other: ids follow from names, so one that was
	// deleted and made again is another one with the id of the first. It is not stored; whoever publishes definitions counts
	// it, and 0 is not counted.
	Incarnation uint64

	index map[string]int
}

// Field returns the field of that exact name, or nil.
func (c *Collection) Field(name string) Field {
	if i := c.FieldIndex(name); i >= 0 {
		return c.Fields[i]
	}
	return nil
}

// FieldIndex returns the position in Fields of the field of that exact name, or -1.
func (c *Collection) FieldIndex(name string) int {
	if c.index != nil {
		if i, ok := c.index[name]; ok {
			return i
		}
		return -1
	}
	for i, f := range c.Fields {
		if f.Base().Name == name {
			return i
		}
	}
	return -1
}

// buildIndex makes look-ups by name fast. It leaves a collection alone that has its index, because that one may be in
// use by others already.
func (c *Collection) buildIndex() {
	if c.index != nil {
		return
	}
	index := make(map[string]int, len(c.Fields))
	for i, f := range c.Fields {
		if _, ok := index[f.Base().Name]; !ok {
			index[f.Base().Name] = i
		}
	}
	c.index = index
}

// Clone returns a deep copy, which the caller may change.
func (c *Collection) Clone() *Collection {
	n := *c
	n.index = nil
	n.Fields = make([]Field, len(c.Fields))
	for i, f := range c.Fields {
		n.Fields[i] = f.Clone()
	}
	n.Indexes = slices.Clone(c.Indexes)
	for _, r := range n.rules() {
		*r.rule = clonePointer(*r.rule)
	}
	n.Auth = c.Auth.Clone()
	return &n
}

// rules lists the API rules under their JSON keys.
func (c *Collection) rules() []namedRule {
	return []namedRule{
		{"listRule", &c.ListRule},
		{"viewRule", &c.ViewRule},
		{"createRule", &c.CreateRule},
		{"updateRule", &c.UpdateRule},
		{"deleteRule", &c.DeleteRule},
	}
}

type namedRule struct {
	key  string
	rule **string
}

// fieldByID returns the field with that id, or nil.
func (c *Collection) fieldByID(id string) Field {
	for _, f := range c.Fields {
		if f.Base().ID == id {
			return f
		}
	}
	return nil
}

// IsAuth tells whether records of c can sign in.
func (c *Collection) IsAuth() bool { return c.Type == Auth }

// IsView tells whether c is read only, made by a query.
func (c *Collection) IsView() bool { return c.Type == View }

// IsSuperusers tells whether c is the collection whose records may do everything.
func (c *Collection) IsSuperusers() bool { return c.Name == SuperusersName }

// SuperusersName is the name of the collection whose records are superusers.
const SuperusersName = "_superusers"

// Catalogue is a snapshot of all collections. It is immutable and safe for concurrent use; a schema change makes a
// new one with a higher number.
type Catalogue struct {
	// Number grows with every change of any collection. What was compiled under one number is not used under another.
	Number uint64
	// Collections are in the order of their rows.
	Collections []*Collection

	byID   map[string]*Collection
	byName map[string]*Collection
	refs   map[string][]Reference
}

// Reference is a relation field seen from the collection that it points at.
type Reference struct {
	Collection *Collection
	Field      *RelationField
}

// NewCatalogue indexes collections; it takes ownership of them. Collections of an older catalogue may be among them,
// also while others read that one.
func NewCatalogue(number uint64, collections []*Collection) *Catalogue {
	cat := &Catalogue{
		Number:      number,
		Collections: collections,
		byID:        make(map[string]*Collection, len(collections)),
		byName:      make(map[string]*Collection, len(collections)),
		refs:        make(map[string][]Reference),
	}
	for _, c := range collections {
		c.buildIndex()
		for _, f := range c.Fields {
			if rel, ok := f.(*RelationField); ok && !rel.Polymorphic() {
				cat.refs[rel.CollectionID] = append(cat.refs[rel.CollectionID], Reference{Collection: c, Field: rel})
			}
		}
		cat.byID[c.ID] = c
		cat.byName[strings.ToLower(c.Name)] = c
	}
	return cat
}

// Find returns the collection with that id (exact) or name (in any case), or nil. Where one collection has the id and
// another the name it is the earlier one.
func (cat *Catalogue) Find(nameOrID string) *Collection {
	byID := cat.byID[nameOrID]
	byName := cat.byName[nameOrID]
	if byName == nil {
		byName = cat.byName[strings.ToLower(nameOrID)]
	}
	switch {
	case byID == nil:
		return byName
	case byName == nil || byName == byID:
		return byID
	}
	return findIn(cat.Collections, nameOrID)
}

func findIn(list []*Collection, nameOrID string) *Collection {
	for _, c := range list {
		if c.ID == nameOrID || sameName(c.Name, nameOrID) {
			return c
		}
	}
	return nil
}

// ByID returns the collection with that id, or nil.
func (cat *Catalogue) ByID(id string) *Collection { return cat.byID[id] }

// References returns the relation fields of all collections that point at the collection with that id, in row order of
// the collections. Polymorphic ones are not among them: their values stay when the records that they name are deleted.
func (cat *Catalogue) References(id string) []Reference { return cat.refs[id] }
