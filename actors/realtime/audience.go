package realtime

import (
	"slices"
	"strings"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// audience is the clients of a topic who are told the same: whatever rule, filter, expand and email visibility read of an
// identity is equal for all of them. It is used under the hub's lock. Who joins or leaves costs the same however many there are.
type audience struct {
	topic         *topic
	at            int // its place in topic.audiences
	key           string
	who           *filter.Identity // of one of them
	payer         *client          // who is charged for the work
	members       []*client
	subscriptions []*subscription // of the members, in their order
	shared        bool            // somebody holds members: what is in there does not change any more
	now           *recipients     // nil since somebody came or went
}

// subscription is a client who listens to a topic.
type subscription struct {
	c  *client
	t  *topic
	a  *audience
	at int // its place in a.members
}

// recipients are an audience as it was at a moment. It is immutable.
type recipients struct {
	topic *topic
	who   *filter.Identity
	// enriched tells that user code sees the records before they are told. It may read anything of the identity, so that
	// all members are the same one, or guests.
	enriched bool
	members  []*client
	except   map[*client]struct{} // members that are told something else
}

func (r *recipients) superuser() bool { return r.who != nil && r.who.Superuser }

// division is by what the members of a topic are divided: one definition of its collection, with or without user code.
type division struct {
	collection *schema.Collection
	enriched   bool
	reads      reads
}

func (a *audience) add(s *subscription, who *filter.Identity) {
	s.a, s.at = a, len(a.members)
	a.members, a.subscriptions = append(a.members, s.c), append(a.subscriptions, s)
	a.who = who
	a.changed()
}

// remove takes a member out; the last one takes its place.
func (a *audience) remove(s *subscription) {
	last := len(a.members) - 1
	if a.shared && s.at != last {
		a.members, a.shared = slices.Clone(a.members), false
	}
	if s.at != last {
		a.members[s.at], a.subscriptions[s.at] = a.members[last], a.subscriptions[last]
		a.subscriptions[s.at].at = s.at
	}
	if a.shared {
		a.members = a.members[:last:last] // what follows may be held: the next one does not go there
	} else {
		a.members[last] = nil
		a.members = a.members[:last]
	}
	a.subscriptions[last] = nil
	a.subscriptions = a.subscriptions[:last]
	s.a = nil
	a.changed()
}

func (a *audience) changed() {
	a.now = nil
	if a.topic.bucket != nil {
		a.topic.bucket.built = nil
	}
}

// recipients returns the audience as it is now.
func (a *audience) recipients() *recipients {
	if a.now == nil {
		a.shared = true
		a.now = &recipients{topic: a.topic, who: a.who, members: a.members, enriched: a.topic.division != nil && a.topic.division.enriched}
	}
	return a.now
}

// rule is the rule that a topic goes by.
func (t *topic) rule(c *schema.Collection) *string {
	if t.all {
		return c.ListRule
	}
	return c.ViewRule
}

func judged(rule *string) bool { return rule != nil && *rule != "" }

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

// divide works out by what the members of a topic are told apart.
func (x *index) divide(t *topic, c *schema.Collection, enriched bool) *division {
	d := &division{collection: c, enriched: enriched}
	r := &d.reads
	r.superAll = enriched || strings.Contains(t.options.filter, "@request.auth")
	// Related records are judged by the rules of their collections, which may read anything.
	r.all = enriched || t.options.expand != "" || strings.Contains(t.options.filter, ".")
	if rule := t.rule(c); judged(rule) {
		x.read(r, *rule)
	}
	if rule := manageRule(c); rule != "" {
		r.signed = true
		x.read(r, rule)
	}
	return d
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

// ownEmail divides recipients once more for one change of an auth collection: whoever the record itself is sees its email. It
// returns nil when nobody is told anything else than the others.
func (x *index) ownEmail(lists []*snapshot, ch *records.Change) []*recipients {
	c := ch.Collection
	if !c.IsAuth() || ch.Record.Bool("emailVisibility") {
		return nil
	}
	own := make(map[*audience][]*client)
	for m := range x.bound[recordKey{c.ID, ch.Record.ID()}] {
		if m.who.Superuser {
			continue
		}
		for _, s := range m.subscriptions {
			own[s.a] = append(own[s.a], m)
		}
	}
	if len(own) == 0 {
		return nil
	}
	var out []*recipients
	for _, list := range lists {
		for i, r := range list.list {
			members := own[list.audiences[i]]
			if len(members) == 0 {
				out = append(out, r)
				continue
			}
			out = append(out, &recipients{topic: r.topic, who: members[0].who, enriched: r.enriched, members: members})
			if len(members) == len(r.members) {
				continue
			}
			others := *r
			others.except = make(map[*client]struct{}, len(members))
			for _, m := range members {
				others.except[m] = struct{}{}
			}
			others.who = representative(r.members, others.except)
			out = append(out, &others)
		}
	}
	return out
}

// representative returns the identity of a member that is not left out.
func representative(members []*client, except map[*client]struct{}) *filter.Identity {
	for _, m := range members {
		if _, out := except[m]; !out {
			return m.who
		}
	}
	return nil
}
