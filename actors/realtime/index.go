package realtime

import (
	"sync"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// index knows who listens to what and who is who. It is used under the hub's lock. What it costs to subscribe, to unsubscribe and
// to leave depends on how many topics the client itself has, and on nobody else's.
type index struct {
	byID    map[string]*client
	topics  map[string]*topic
	buckets map[string]*bucket
	bound   map[recordKey]map[*client]struct{}
	parsed  filter.Cache
	watched watched
	share   *budget.Share
	// find returns the collection of that name or id.
	find func(reference string) *schema.Collection
	// enriches tells whether user code sees any record of a message about c with that expand.
	enriches func(c *schema.Collection, expand string) bool
}

// recordKey names a record of an auth collection.
type recordKey struct{ collection, id string }

func keyOf(who *filter.Identity) recordKey { return recordKey{who.Collection.ID, who.ID} }

func newIndex(share *budget.Share) index {
	return index{
		byID:    make(map[string]*client),
		topics:  make(map[string]*topic),
		buckets: make(map[string]*bucket),
		bound:   make(map[recordKey]map[*client]struct{}),
		watched: watched{topics: make(map[string]watch), bound: make(map[string]int)},
		share:   share,
	}
}

// watched tells the Writer what is of interest to anybody, without the hub's lock. Safe for concurrent use; nothing is done under
// its lock but to look at a number.
type watched struct {
	mu sync.RWMutex
	// topics counts, by what stands in front of the first slash of a topic, the topics and those with expand or filter.
	topics map[string]watch
	bound  map[string]int // streams by the id of the auth collection of who they are bound to
}

type watch struct{ topics, asking int }

// maxReference is how long the name or id of a collection may be. What is longer names none, and is not worth looking up.
const maxReference = 255

func (w *watched) count(t *topic, n int) {
	name := t.reference()
	if len(name) > maxReference {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.topics[name]
	one.topics += n
	if !t.plain() {
		one.asking += n
	}
	if one.topics == 0 {
		delete(w.topics, name)
	} else {
		w.topics[name] = one
	}
}

func (w *watched) bind(who *filter.Identity, n int) {
	if who == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bound[who.Collection.ID] += n; w.bound[who.Collection.ID] == 0 {
		delete(w.bound, who.Collection.ID)
	}
}

// of tells whether anybody listens to records of a collection, whether their rules, filters or expands need the database to be
// judged, and whether streams are bound to its records.
func (w *watched) of(c *schema.Collection) (listened, asking, bound bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	byName, byID := w.topics[c.Name], w.topics[c.ID]
	bound = w.bound[c.ID] > 0
	if byName.topics+byID.topics == 0 {
		return false, false, bound
	}
	return true, byName.asking+byID.asking > 0 || judged(c.ListRule) || judged(c.ViewRule) || manageRule(c) != "", bound
}

// subscribe replaces the topics of a client and binds it, or leaves everything as it was when there is no room.
func (x *index) subscribe(c *client, list []*topic, who *filter.Identity) error {
	old, was := c.subscriptions, c.who
	kept := make(map[string]*subscription, len(old))
	for _, s := range old {
		kept[s.t.text] = s
	}
	next := make([]*subscription, 0, len(list))
	fresh := list[:0:0]
	for _, t := range list {
		if s := kept[t.text]; s != nil {
			next = append(next, s)
			delete(kept, t.text)
		} else {
			fresh = append(fresh, t)
		}
	}
	for _, s := range kept {
		x.leave(s)
	}
	c.subscriptions = next
	x.bind(c, who)
	for i, t := range fresh {
		s := &subscription{c: c, t: t}
		if err := x.join(s, false); err != nil {
			x.undo(c, old, kept, was, i)
			return err
		}
		c.subscriptions = append(c.subscriptions, s)
	}
	return nil
}

// undo takes a subscription back of which n fresh topics were joined.
func (x *index) undo(c *client, old []*subscription, left map[string]*subscription, was *filter.Identity, n int) {
	for _, s := range c.subscriptions[len(c.subscriptions)-n:] {
		x.leave(s)
	}
	c.subscriptions = c.subscriptions[:len(c.subscriptions)-n]
	x.bind(c, was)
	for _, s := range left {
		_ = x.join(s, true) // which does not fail when it is forced
	}
	c.subscriptions = old
}

// unsubscribe takes one topic away from a client and tells whether it had it.
func (x *index) unsubscribe(c *client, text string) bool {
	for i, s := range c.subscriptions {
		if s.t.text == text {
			x.leave(s)
			c.subscriptions = append(c.subscriptions[:i:i], c.subscriptions[i+1:]...)
			return true
		}
	}
	return false
}

// listens tells whether a client listens to exactly that topic.
func (x *index) listens(c *client, text string) bool {
	for _, s := range c.subscriptions {
		if s.t.text == text {
			return true
		}
	}
	return false
}

// join makes a client listen to a topic, unless it has no room for that or asks for too much.
func (x *index) join(s *subscription, forced bool) error {
	if err := x.take(s.c, subscriptionSize, forced); err != nil {
		return err
	}
	if t := x.topics[s.t.text]; t != nil {
		s.t = t
	} else {
		if err := x.take(s.c, s.t.size, forced); err != nil {
			x.share.Give(s.c.account, subscriptionSize)
			return err
		}
		x.insert(s.t, s.c)
	}
	err := x.assign(s, forced)
	if err != nil {
		x.share.Give(s.c.account, subscriptionSize)
		if len(s.t.audiences) == 0 {
			x.delete(s.t)
		}
	}
	return err
}

// take charges bytes to a client. What is forced was there before and was given back under the same lock, so it fits.
func (x *index) take(c *client, n int64, forced bool) error {
	if err := x.share.Take(c.account, n); err != nil && !forced {
		return err
	}
	return nil
}

// handOver makes somebody else pay for a topic whose payer has left it: a client, or the server where that one has no room.
func (x *index) handOver(t *topic) {
	x.share.Give(t.account, t.size)
	t.payer = t.audiences[0].members[0]
	t.account = t.payer.account
	if x.share.Take(t.account, t.size) != nil {
		t.account = ""
		_ = x.share.Take(t.account, t.size) // these bytes were just given back
	}
}

// leave ends that a client listens to a topic.
func (x *index) leave(s *subscription) {
	t := s.t
	x.separate(s)
	x.share.Give(s.c.account, subscriptionSize)
	switch {
	case len(t.audiences) == 0:
		x.delete(t)
	case t.payer == s.c:
		x.handOver(t)
	}
}

// insert adds a topic that nobody listened to; its bytes are c's.
func (x *index) insert(t *topic, c *client) {
	t.payer, t.account = c, c.account
	x.topics[t.text] = t
	b := x.buckets[t.bucketKey]
	if b == nil {
		b = &bucket{key: t.bucketKey}
		x.buckets[b.key] = b
		if name := referenceOf(b.key); len(name) <= maxReference {
			b.collection = x.find(name)
		}
		if b.collection != nil {
			b.enriched = x.enriches(b.collection, "")
		}
	}
	t.bucket, t.at = b, len(b.topics)
	b.topics = append(b.topics, t)
	b.built = nil
	x.defineTopic(t)
	x.watched.count(t, 1)
}

// delete removes a topic that nobody listens to any more.
func (x *index) delete(t *topic) {
	x.share.Give(t.account, t.size)
	t.payer = nil
	delete(x.topics, t.text)
	b := t.bucket
	last := len(b.topics) - 1
	b.topics[t.at] = b.topics[last]
	b.topics[t.at].at = t.at
	b.topics[last] = nil
	b.topics, b.built = b.topics[:last], nil
	t.bucket = nil
	if last == 0 {
		delete(x.buckets, b.key)
	}
	x.watched.count(t, -1)
}

// remove forgets a client.
func (x *index) remove(c *client) {
	for _, s := range c.subscriptions {
		x.leave(s)
	}
	c.subscriptions = nil
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
	x.watched.bind(c.who, -1)
	x.watched.bind(who, 1)
	c.who = who
	if who != nil {
		key := keyOf(who)
		if x.bound[key] == nil {
			x.bound[key] = make(map[*client]struct{})
		}
		x.bound[key][c] = struct{}{}
	}
	for _, s := range c.subscriptions {
		x.separate(s)
		_ = x.assign(s, true) // which does not fail when it is forced
	}
}

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
