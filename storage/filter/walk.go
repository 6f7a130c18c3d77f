package filter

import (
	"strings"

	"github.com/troupebase/troupe/storage/schema"
)

// walk follows a path from row to row until its last part.
type walk struct {
	r     *resolver
	from  scope // where the chain begins
	at    scope // the collection that the next part belongs to
	chain chain
	name  string
	parts []string
	steps int
}

// enter adds a step to the chain.
func (w *walk) enter(s step) {
	w.chain.steps = append(w.chain.steps, s)
	w.chain.many = w.chain.many || s.many
	w.at = scope{collection: s.collection, key: s.key, nullable: true}
}

func (w *walk) run() (resolved, error) {
	for i, part := range w.parts {
		name, modifiers, modified := strings.Cut(part, ":")
		field := w.at.collection.Field(name)
		if field != nil && w.hidden(field) {
			return resolved{}, errorf("unknown field %q", name)
		}
		last := i == len(w.parts)-1
		switch {
		case field != nil && last:
			if modified && w.r.b.plain {
				return resolved{}, errorf("unknown modifier in %q", w.name)
			}
			return w.finish(field, modifiers, modified)
		case modified || last || part == "":
			return resolved{}, errorf("unknown field %q", part)
		case field != nil && field.Kind().HoldsJSON():
			return w.jsonPath(field, w.parts[i+1:])
		case w.r.b.plain:
			return resolved{}, errorf("unknown field %q", part)
		}
		if rel, ok := field.(*schema.RelationField); ok {
			if !rel.Multiple() && i == len(w.parts)-2 && w.parts[i+1] == "id" {
				return w.finish(field, "", false)
			}
			if err := w.relation(rel); err != nil {
				return resolved{}, err
			}
			continue
		}
		if field != nil {
			return resolved{}, errorf("field %q is not a valid relation", part)
		}
		if err := w.back(part); err != nil {
			return resolved{}, err
		}
	}
	return resolved{}, errorf("unknown field %q", w.name)
}

// hidden tells whether the writer of the expression may not use a field.
func (w *walk) hidden(f schema.Field) bool {
	switch w.r.trust {
	case Client:
		return f.Base().Hidden || schema.Secret(w.at.collection, f)
	case Extension:
		return schema.Secret(w.at.collection, f)
	}
	return false
}

func (w *walk) count() error {
	if w.steps++; w.steps > maxSteps {
		return errorf("max nested relations reached for field %q", w.name)
	}
	return nil
}

func (w *walk) relation(rel *schema.RelationField) error {
	target := w.r.b.cat.ByID(rel.CollectionID)
	if target == nil {
		return errorf("failed to load collection %q from field path %q", rel.CollectionID, w.name)
	}
	if err := w.allowed(target); err != nil {
		return err
	}
	key := w.key()
	if rel.Multiple() {
		w.enter(elements(key, rel.Name))
		w.enter(related(w.at.key, target))
	} else {
		w.enter(single(key, rel.Name, target))
	}
	return w.demand(target)
}

func (w *walk) back(part string) error {
	name, via, found := strings.Cut(part, "_via_")
	if !found {
		return errorf("unknown field %q", part)
	}
	source := w.r.b.cat.Find(name)
	if source == nil {
		return errorf("failed to load collection %q from field path %q", name, w.name)
	}
	rel, ok := source.Field(via).(*schema.RelationField)
	if !ok || w.hidden(rel) {
		return errorf("missing back relation field %q", via)
	}
	if rel.CollectionID != w.at.collection.ID {
		return errorf("invalid collection reference of a back relation field %q", via)
	}
	if err := w.allowed(source); err != nil {
		return err
	}
	w.enter(back(w.key(), source, rel))
	return w.demand(source)
}

func (w *walk) key() string {
	if w.at.key != "" {
		return w.at.key
	}
	return w.at.collection.ID
}

// allowed refuses to join a collection that the client may not list.
func (w *walk) allowed(target *schema.Collection) error {
	if w.r.trust == Client && target.ListRule == nil {
		return errorf("unknown field %q", w.name)
	}
	return w.count()
}

// demand makes the list rule of a joined collection a condition of the whole query.
func (w *walk) demand(target *schema.Collection) error {
	if w.r.trust != Client || *target.ListRule == "" {
		return nil
	}
	b := w.r.b
	key := "demand " + w.at.key
	if b.byKey[key] != nil {
		return nil
	}
	b.byKey[key] = &tableJoin{}
	alias, err := b.use(w.from, w.chain)
	if err != nil {
		return err
	}
	rule, err := Parse(*target.ListRule)
	if err != nil {
		return err
	}
	f, err := b.group(rule.items, &resolver{b: b, scope: scope{collection: target, alias: alias, key: w.at.key, nullable: true}})
	if err != nil {
		return err
	}
	b.demanded = append(b.demanded, rule)
	b.demands = append(b.demands, join("("+alias+".id IS NULL OR %s)", f))
	return nil
}
