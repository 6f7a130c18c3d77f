package realtime

import (
	"slices"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// index knows who listens to what and who is who. It is used under the hub's lock.
type index struct {
	byID   map[string]*client
	topics map[string]*topic
	byBase map[string][]*topic
	// watched counts, by what stands in front of the first slash of a topic, the topics and those with expand or filter.
	watched map[string]watch
	bound   map[recordKey]map[*client]struct{}
	parsed  filter.Cache
	// enriches tells whether user code sees any record of a message about c with that expand.
	enriches func(c *schema.Collection, expand string) bool
}

type watch struct{ topics, asking int }

// recordKey names a record of an auth collection.
type recordKey struct{ collection, id string }

func newIndex() index {
	return index{
		byID:    make(map[string]*client),
		topics:  make(map[string]*topic),
		byBase:  make(map[string][]*topic),
		watched: make(map[string]watch),
		bound:   make(map[recordKey]map[*client]struct{}),
	}
}

// collectionOf is what a topic may name a collection with.
func collectionOf(base string) string {
	for i := range len(base) {
		if base[i] == '/' {
			return base[:i]
		}
	}
	return base
}

// subscribe replaces the topics of a client.
func (x *index) subscribe(c *client, texts []string) {
	before := c.topics
	c.topics = nil
	for _, text := range texts {
		if text == "" || slices.ContainsFunc(c.topics, func(t *topic) bool { return t.text == text }) {
			continue
		}
		c.topics = append(c.topics, x.join(c, text))
	}
	for _, t := range before {
		if !slices.Contains(c.topics, t) {
			x.leave(c, t)
		}
	}
	c.topics = slices.Clip(c.topics)
}

// unsubscribe takes one topic away from a client and tells whether it had it.
func (x *index) unsubscribe(c *client, text string) bool {
	i := slices.IndexFunc(c.topics, func(t *topic) bool { return t.text == text })
	if i < 0 {
		return false
	}
	t := c.topics[i]
	c.topics = slices.Delete(c.topics, i, i+1)
	x.leave(c, t)
	return true
}

func (x *index) join(c *client, text string) *topic {
	t := x.topics[text]
	if t == nil {
		t = parseTopic(text)
		x.topics[t.text] = t
		x.byBase[t.base] = append(x.byBase[t.base], t)
		x.count(t, 1)
	}
	if _, ok := t.members[c]; !ok {
		t.members[c] = struct{}{}
		t.built = nil
	}
	return t
}

func (x *index) leave(c *client, t *topic) {
	delete(t.members, c)
	t.built = nil
	if len(t.members) > 0 {
		return
	}
	delete(x.topics, t.text)
	rest := slices.DeleteFunc(x.byBase[t.base], func(other *topic) bool { return other == t })
	if len(rest) == 0 {
		delete(x.byBase, t.base)
	} else {
		x.byBase[t.base] = rest
	}
	x.count(t, -1)
}

func (x *index) count(t *topic, n int) {
	name := collectionOf(t.base)
	w := x.watched[name]
	w.topics += n
	if !t.plain() {
		w.asking += n
	}
	if w.topics == 0 {
		delete(x.watched, name)
	} else {
		x.watched[name] = w
	}
}

// remove forgets a client.
func (x *index) remove(c *client) {
	x.subscribe(c, nil)
	x.bind(c, nil)
	delete(x.byID, c.id)
}

// bind makes a client act for an identity, nil for a guest.
func (x *index) bind(c *client, who *filter.Identity) {
	if c.who == who {
		return
	}
	if c.who != nil {
		key := keyOf(c.who)
		set := x.bound[key]
		if delete(set, c); len(set) == 0 {
			delete(x.bound, key)
		}
	}
	c.who = who
	if who != nil {
		key := keyOf(who)
		if x.bound[key] == nil {
			x.bound[key] = make(map[*client]struct{})
		}
		x.bound[key][c] = struct{}{}
	}
	for _, t := range c.topics {
		t.built = nil
	}
}

func keyOf(who *filter.Identity) recordKey { return recordKey{who.Collection.ID, who.ID} }

// renew gives the streams of a changed auth record the new state, or makes guests of them when its tokens are no longer
// good.
func (x *index) renew(ch *records.Change) {
	key := recordKey{ch.Collection.ID, ch.Record.ID()}
	set := x.bound[key]
	if len(set) == 0 {
		return
	}
	var who *filter.Identity
	if ch.Action == records.Updated && ch.Old != nil && ch.Old.Text("tokenKey") == ch.Record.Text("tokenKey") {
		who = ch.Record.Identity()
	}
	for c := range set {
		x.bind(c, who)
	}
}

// revoke makes guests of all streams that are bound to records of a collection.
func (x *index) revoke(collectionID string) {
	for key, set := range x.bound {
		if key.collection != collectionID {
			continue
		}
		for c := range set {
			x.bind(c, nil)
		}
	}
}

// watches tells whether anybody listens to records of a collection, and whether their rules, filters or expands need the
// database to be judged.
func (x *index) watches(c *schema.Collection) (listened, asking bool) {
	byName, byID := x.watched[c.Name], x.watched[c.ID]
	if byName.topics+byID.topics == 0 {
		return false, false
	}
	return true, byName.asking+byID.asking > 0 || judged(c.ListRule) || judged(c.ViewRule) || manageRule(c) != ""
}

func judged(rule *string) bool { return rule != nil && *rule != "" }

// matching appends the topics that a record's changes fire.
func (x *index) matching(dst []*topic, c *schema.Collection, id string) []*topic {
	var buf [128]byte
	for i, name := range [2]string{c.Name, c.ID} {
		if i == 1 && c.ID == c.Name {
			break
		}
		if x.watched[name].topics == 0 {
			continue
		}
		dst = append(dst, x.byBase[name]...)
		base := append(append(buf[:0], name...), '/')
		dst = append(dst, x.byBase[string(append(base, '*'))]...)
		if id != "*" {
			dst = append(dst, x.byBase[string(append(base, id...))]...)
		}
	}
	return dst
}
