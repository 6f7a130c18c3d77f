package realtime

import (
	"strings"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// audience is the clients of a topic who are told the same: whatever rule, filter, expand and email visibility read of an
// identity is equal for all of them. It is immutable.
type audience struct {
	topic *topic
	// who is the identity of one of them.
	who     *filter.Identity
	members []*client
	// enriched tells that user code sees the records before they are told. It may read anything of the identity, so that
	// all members are the same one, or guests.
	enriched bool
}

func (a *audience) superuser() bool { return a.who != nil && a.who.Superuser }

// builtAudiences are the audiences of a topic under one definition of its collection, and with or without user code.
type builtAudiences struct {
	collection *schema.Collection
	enriched   bool
	list       []*audience
}

// audiences divides the members of a topic.
func (x *index) audiences(t *topic, c *schema.Collection) []*audience {
	enriched := x.enriches(c, t.options.expand)
	if t.built != nil && t.built.collection == c && t.built.enriched == enriched {
		return t.built.list
	}
	r := x.readsOf(t, c)
	if enriched {
		r.all, r.superAll = true, true
	}
	byKey := make(map[string]*audience)
	var list []*audience
	var key []byte
	for m := range t.members {
		key = r.key(key[:0], m.who)
		a := byKey[string(key)]
		if a == nil {
			a = &audience{topic: t, who: m.who, enriched: enriched}
			byKey[string(key)] = a
			list = append(list, a)
		}
		a.members = append(a.members, m)
	}
	t.built = &builtAudiences{c, enriched, list}
	return list
}

// rule is the rule that a topic goes by.
func (t *topic) rule(c *schema.Collection) *string {
	if t.all {
		return c.ListRule
	}
	return c.ViewRule
}

func manageRule(c *schema.Collection) string {
	if c.Auth == nil || c.Auth.ManageRule == nil {
		return ""
	}
	return *c.Auth.ManageRule
}

// reads is what a topic's messages depend on of an identity.
type reads struct {
	// all tells that it may be anything.
	all bool
	// signed tells that it matters whether there is one.
	signed bool
	// fields are the fields of the record, each once.
	fields []string
	// superAll is all for superusers, who are asked no rule but may use more in filters and are known to user code.
	superAll bool
}

// readsOf works out what rule, filter, expand and email visibility of a topic read.
func (x *index) readsOf(t *topic, c *schema.Collection) *reads {
	r := &reads{superAll: strings.Contains(t.options.filter, "@request.auth")}
	// Related records are judged by the rules of their collections, which may read anything.
	r.all = t.options.expand != "" || strings.Contains(t.options.filter, ".")
	if rule := t.rule(c); judged(rule) {
		x.read(r, *rule)
	}
	if rule := manageRule(c); rule != "" {
		r.signed = true
		x.read(r, rule)
	}
	return r
}

func (x *index) read(r *reads, rule string) {
	e, err := x.parsed.Parse(rule)
	if err != nil {
		return // nobody meets it
	}
	for _, identifier := range e.Requests() {
		path, ok := strings.CutPrefix(identifier, "@request.auth.")
		if !ok {
			continue
		}
		field, modifier, _ := strings.Cut(path, ":")
		if strings.Contains(field, ".") || modifier != "" && modifier != "isset" && modifier != "lower" {
			r.all = true
			return
		}
		r.signed = true
		r.fields = append(r.fields, field)
	}
}

// key appends what tells audiences apart.
func (r *reads) key(dst []byte, who *filter.Identity) []byte {
	switch {
	case who == nil:
		return append(dst, 'g')
	case who.Superuser && !r.superAll:
		return append(dst, 's')
	case who.Superuser || r.all:
		return appendIdentity(append(dst, 'r'), who)
	case !r.signed:
		return append(dst, 'g')
	}
	dst = append(append(dst, 'u'), who.Collection.ID...)
	for _, name := range r.fields {
		dst = append(dst, 0)
		switch f := who.Collection.Field(name); {
		case name == "collectionId" || name == "collectionName":
			// both go with the collection
		case name == "id" || f == nil || who.Value == nil:
			dst = appendIdentity(dst, who)
		default:
			v, _ := who.Value(name)
			dst = f.AppendValue(dst, v)
		}
	}
	return dst
}

func appendIdentity(dst []byte, who *filter.Identity) []byte {
	return append(append(append(dst, who.Collection.ID...), '/'), who.ID...)
}

// shares divides an audience once more for one change: whoever the record itself is sees its email.
func (x *index) shares(dst []*audience, a *audience, ch *records.Change) []*audience {
	c := ch.Collection
	if !c.IsAuth() || a.superuser() || ch.Record.Bool("emailVisibility") {
		return append(dst, a)
	}
	self := recordKey{c.ID, ch.Record.ID()}
	if len(x.bound[self]) == 0 {
		return append(dst, a)
	}
	own, others := &audience{topic: a.topic, enriched: a.enriched}, &audience{topic: a.topic, enriched: a.enriched}
	for _, m := range a.members {
		to := others
		if m.who != nil && keyOf(m.who) == self {
			to = own
		}
		to.who = m.who
		to.members = append(to.members, m)
	}
	for _, part := range []*audience{own, others} {
		if len(part.members) > 0 {
			dst = append(dst, part)
		}
	}
	return dst
}
