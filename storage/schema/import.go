package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/validation"
)

const importCode = "validation_collections_import_failure"

// Import creates and updates collections from the elements of a request, each an object or null. Collections and
// fields that are not among them stay, unless deleteMissing. Everything is stored first and validated then, so that
// collections may refer to one another. It always returns a validation.Errors.
func (ch *Change) Import(elements []json.RawMessage, deleteMissing bool) error {
	if len(elements) == 0 {
		return validation.Errors{"collections": validation.Required}
	}
	err := ch.importAll(elements, deleteMissing)
	var errs validation.Errors
	if err == nil || errors.As(err, &errs) {
		return err
	}
	return validation.Errors{"collections": validation.New(importCode,
		"Failed to import the collections configuration. Raw error:\n"+err.Error())}
}

// imported is one element of an import.
type imported struct {
	collection *Collection
	id         string // of the collection that it matched, "" for none
	stored     *Collection
}

func (ch *Change) importAll(elements []json.RawMessage, deleteMissing bool) error {
	items := make([]*imported, len(elements))
	for i, raw := range elements {
		item, err := ch.decodeImported(raw, deleteMissing)
		if err != nil {
			return err
		}
		items[i] = item
	}
	sortImported(items)
	if deleteMissing {
		if err := ch.dropMissing(items); err != nil {
			return err
		}
	}
	for _, item := range items {
		if err := ch.storeImported(item); err != nil {
			return err
		}
	}
	for _, item := range items {
		if err := ch.validateImported(item); err != nil {
			return err
		}
	}
	ch.refreshViews(nil, 0)
	return nil
}

// decodeImported lays an element over the collection that it matches, or over a blank one.
func (ch *Change) decodeImported(raw json.RawMessage, deleteMissing bool) (*imported, error) {
	var head struct {
		ID     string          `json:"id"`
		Name   string          `json:"name"`
		Type   Type            `json:"type"`
		Fields json.RawMessage `json:"fields"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, err
	}
	stored := findIn(ch.list, cmp.Or(head.ID, head.Name))
	if stored == nil {
		c := NewCollection(head.Type, head.Name)
		return &imported{collection: c}, c.Decode(raw)
	}
	c := stored.Clone()
	if err := c.Decode(raw); err != nil {
		return nil, err
	}
	c.ID = stored.ID
	sent := len(head.Fields) > 0 && string(head.Fields) != "null"
	switch {
	case sent:
		c.Fields = mergeFields(c.Fields, stored.Fields, deleteMissing)
	case deleteMissing:
		c.Fields = mergeFields(nil, stored.Fields, true)
	default:
		c.Fields = stored.Clone().Fields
	}
	return &imported{collection: c, id: stored.ID}, nil
}

// mergeFields appends to the sent fields those of the stored ones that they lack: all, or only those of the system. A
// sent field that has name and type of a stored one under another id is replaced by it.
func mergeFields(sent, stored []Field, systemOnly bool) []Field {
	list := listFields(sent)
	for _, old := range stored {
		b := old.Base()
		if systemOnly && !b.System || indexByID(list, b.ID) >= 0 {
			continue
		}
		if i := indexByName(list, b.Name); i >= 0 && list[i].Type() == old.Type() {
			list[i] = old.Clone()
			continue
		}
		list = append(list, old.Clone())
	}
	return list
}

// sortImported puts views last and keeps the order in which collections were made.
func sortImported(items []*imported) {
	slices.SortStableFunc(items, func(a, b *imported) int {
		x, y := a.collection, b.collection
		if x.IsView() != y.IsView() {
			if x.IsView() {
				return 1
			}
			return -1
		}
		return cmp.Or(strings.Compare(x.Created, y.Created), strings.Compare(x.Updated, y.Updated))
	})
}

// dropMissing deletes what is not imported, the least recently updated first, whoever refers to it.
func (ch *Change) dropMissing(items []*imported) error {
	keep := map[string]bool{}
	for _, item := range items {
		keep[cmp.Or(item.id, item.collection.ID)] = true
	}
	list := slices.Clone(ch.list)
	slices.SortStableFunc(list, func(a, b *Collection) int { return strings.Compare(a.Updated, b.Updated) })
	for _, c := range list {
		if c.System || keep[c.ID] {
			continue
		}
		if err := ch.drop(c); err != nil {
			return err
		}
	}
	return nil
}

func (ch *Change) storeImported(item *imported) error {
	if item.id != "" {
		item.stored = ch.byID(item.id)
	}
	c := item.collection
	if err := ch.prepare(c, item.stored); err != nil {
		return fmt.Errorf("view %s: %w", c.Name, err)
	}
	return ch.store(c, item.stored)
}

func (ch *Change) validateImported(item *imported) error {
	c, stored := item.collection, item.stored
	if !slices.Contains(ch.list, c) {
		return nil // a later element was the same collection
	}
	if stored == nil {
		stored = c
	}
	var errs validation.Errors
	err := ch.validate(c, stored, nil)
	if err == nil || !errors.As(err, &errs) {
		return err
	}
	return validation.Errors{"collections": validation.New(importCode,
		fmt.Sprintf("Data validations failed for collection %q (%s):\n%s", c.Name, c.ID, rawTree(errs)))}
}
