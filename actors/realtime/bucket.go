package realtime

import (
	"github.com/troupebase/troupe/storage/schema"
)

// bucket is the topics that fire together: those about all records of a collection, as one name of it has them, or those
// about one record. It is used under the hub's lock.
type bucket struct {
	key    string
	topics []*topic
	// collection is the definition by which the topics are divided, nil when none is known by that name.
	collection *schema.Collection
	enriched   bool   // user code sees the records of the collection
	seen       uint64 // the group for which enriched was looked at
	work       int    // what all audiences ask for with each change
	clients    map[string]int
	built      *snapshot // nil since somebody came or went
}

// snapshot is everybody who is told of a change, as it was at a moment. It is immutable.
type snapshot struct {
	list      []*recipients
	audiences []*audience // of the list, for the index
	expanding []*topic
	work      int // what a change costs, its delivery included
}

// charge counts work for a client, unless that is more than there is room for.
func (b *bucket) charge(account string, work int, forced bool) error {
	if work == 0 {
		return nil
	}
	if !forced {
		switch sum := b.clients[account] + work; {
		case sum > MaxClientWork:
			return &LimitError{Whose: OfClient, Key: b.key, Max: MaxClientWork, Wanted: sum}
		case b.work+work > MaxWork:
			return &LimitError{Whose: OfAll, Key: b.key, Max: MaxWork, Wanted: b.work + work}
		}
	}
	b.work += work
	if b.clients == nil {
		b.clients = make(map[string]int)
	}
	b.clients[account] += work
	return nil
}

func (b *bucket) refund(account string, work int) {
	if work == 0 {
		return
	}
	b.work -= work
	if b.clients[account] -= work; b.clients[account] == 0 {
		delete(b.clients, account)
	}
}

// snapshot returns who is told now.
func (b *bucket) snapshot() *snapshot {
	if b.built != nil {
		return b.built
	}
	s := new(snapshot)
	for _, t := range b.topics {
		if t.options.expand != "" {
			s.expanding = append(s.expanding, t)
		}
		for _, a := range t.audiences {
			s.list, s.audiences = append(s.list, a.recipients()), append(s.audiences, a)
			s.work += 1 + t.work + len(a.members)
			if b.collection != nil && judged(t.rule(b.collection)) {
				s.work += workRule
			}
		}
	}
	b.built = s
	return s
}

// addressees returns everybody who is told of the changes of a record. group is a number for all changes of a group: whether
// user code is bound is asked once for them.
func (x *index) addressees(dst []*snapshot, c *schema.Collection, id string, group uint64) []*snapshot {
	var buf [128]byte
	for i, name := range [2]string{c.Name, c.ID} {
		if i == 1 && c.ID == c.Name {
			break
		}
		if b := x.buckets[name]; b != nil {
			dst = x.addressed(dst, b, c, group)
		}
		key := append(append(append(buf[:0], name...), '/'), id...)
		if b := x.buckets[string(key)]; b != nil {
			dst = x.addressed(dst, b, c, group)
		}
	}
	return dst
}

func (x *index) addressed(dst []*snapshot, b *bucket, c *schema.Collection, group uint64) []*snapshot {
	if b.seen != group || b.collection != c {
		b.seen = group
		if enriched := x.enriches(c, ""); b.collection != c || b.enriched != enriched {
			x.define(b, c, enriched)
		}
		for _, t := range b.snapshot().expanding {
			if x.enriches(c, t.options.expand) != t.division.enriched {
				x.define(b, c, b.enriched)
				break
			}
		}
	}
	return append(dst, b.snapshot())
}

// define divides the topics of a bucket by the definition of a collection. It is nobody's fault if that takes more work.
func (x *index) define(b *bucket, c *schema.Collection, enriched bool) {
	b.collection, b.enriched, b.built = c, enriched, nil
	var list []*subscription
	for _, t := range b.topics {
		list = list[:0]
		for _, a := range t.audiences {
			list = append(list, a.subscriptions...)
		}
		for _, s := range list {
			x.separate(s)
		}
		x.defineTopic(t)
		for _, s := range list {
			_ = x.assign(s, true) // which does not fail when it is forced
		}
	}
}

// defineTopic works out by what a topic is divided. Without a collection everybody is one audience.
func (x *index) defineTopic(t *topic) {
	b := t.bucket
	if b.collection == nil {
		t.division = nil
		return
	}
	enriched := b.enriched
	if t.options.expand != "" {
		enriched = x.enriches(b.collection, t.options.expand)
	}
	t.division = x.divide(t, b.collection, enriched)
}

// manyAudiences is how many audiences of a topic are looked through one after the other.
const manyAudiences = 8

func (t *topic) audience(key []byte) *audience {
	if t.byKey != nil {
		return t.byKey[string(key)]
	}
	for _, a := range t.audiences {
		if a.key == string(key) {
			return a
		}
	}
	return nil
}

func (t *topic) addAudience(a *audience) {
	a.at = len(t.audiences)
	t.audiences = append(t.audiences, a)
	switch {
	case t.byKey != nil:
		t.byKey[a.key] = a
	case len(t.audiences) > manyAudiences:
		t.byKey = make(map[string]*audience)
		for _, a := range t.audiences {
			t.byKey[a.key] = a
		}
	}
}

func (t *topic) removeAudience(a *audience) {
	last := len(t.audiences) - 1
	t.audiences[a.at] = t.audiences[last]
	t.audiences[a.at].at = a.at
	t.audiences[last] = nil
	t.audiences = t.audiences[:last]
	if t.byKey != nil {
		delete(t.byKey, a.key)
	}
	if last == 0 {
		t.byKey = nil
	}
}

// assign makes a member of a topic one of the audience that it belongs to, whose first member pays for it.
func (x *index) assign(s *subscription, forced bool) error {
	var buf [128]byte
	key := buf[:0]
	t := s.t
	if t.division != nil {
		key = t.division.reads.key(key, s.c.who)
	}
	a := t.audience(key)
	if a == nil {
		if err := t.bucket.charge(s.c.account, t.work, forced); err != nil {
			return err
		}
		a = &audience{topic: t, key: string(key), payer: s.c}
		t.addAudience(a)
	}
	a.add(s, s.c.who)
	return nil
}

// separate takes a member out of its audience, which ends with the last one.
func (x *index) separate(s *subscription) {
	a, b := s.a, s.t.bucket
	a.remove(s)
	switch {
	case len(a.members) == 0:
		b.refund(a.payer.account, a.topic.work)
		a.topic.removeAudience(a)
	case a.payer == s.c:
		b.refund(a.payer.account, a.topic.work)
		a.payer = a.members[0]
		_ = b.charge(a.payer.account, a.topic.work, true) // which does not fail when it is forced
	}
}
