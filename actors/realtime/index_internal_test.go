package realtime

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/schema"
)

// indexRig is an index with one collection whose rule tells people apart, and one that does not exist.
type indexRig struct {
	*index
	t     *testing.T
	docs  *schema.Collection
	users *schema.Collection
}

func newIndexRig(t *testing.T, share *budget.Share) *indexRig {
	t.Helper()
	decode := func(text string) *schema.Collection {
		c, err := schema.DecodeNew([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	s := &indexRig{t: t,
		docs:  decode(`{"id":"docs00000000001","name":"docs","type":"base","fields":[{"name":"t","type":"text"}],"listRule":"@request.auth.id = t","viewRule":""}`),
		users: decode(`{"id":"users0000000001","name":"users","type":"auth","fields":[]}`),
	}
	x := newIndex(share)
	x.find = func(name string) *schema.Collection {
		if name == "docs" || name == s.docs.ID {
			return s.docs
		}
		return nil
	}
	x.enriches = func(*schema.Collection, string) bool { return false }
	s.index = &x
	return s
}

func (s *indexRig) client(account string) *client {
	c := &client{id: newClientID(), account: account}
	s.byID[c.id] = c
	return c
}

func (s *indexRig) user(id string) *filter.Identity {
	return &filter.Identity{Collection: s.users, ID: id}
}

func (s *indexRig) subscribe(c *client, who *filter.Identity, texts ...string) error {
	return s.index.subscribe(c, parseTopics(texts), who)
}

func (s *indexRig) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// snapshots are who is told of a change of a record.
func (s *indexRig) snapshots(id string) []*snapshot {
	return s.addressees(nil, s.docs, id, rand.Uint64())
}

// moved counts the elements that are not where they were.
func moved[T comparable](before, after []T) (n int) {
	for i, e := range after {
		if i >= len(before) || before[i] != e {
			n++
		}
	}
	return n
}

// Law 13: who comes, changes topics or leaves does not cost more because of others: of all other topics and members at most one is
// touched for each of the client's own.
func TestLaw13LeavingCostsOwnTopics(t *testing.T) {
	const others = 5000
	s := newIndexRig(t, nil)
	for i := range others {
		s.must(s.subscribe(s.client("others"), nil, "docs", fmt.Sprintf("docs/*?%d", i)))
	}
	c := s.client("one")
	for _, at := range []int{0, others / 2, others - 1} {
		text := fmt.Sprintf("docs/*?%d", at)
		s.must(s.subscribe(c, nil, "docs", text, "docs/*?own"))
		a := s.topics["docs"].audiences[0]
		bucket := s.buckets["docs"]
		topics, members := slices.Clone(bucket.topics), slices.Clone(a.members)
		leaver := s.topics[text].audiences[0].members[0]
		s.remove(leaver)
		s.remove(c)
		if n := moved(topics, bucket.topics); n > 4 {
			t.Errorf("%d topics were moved", n)
		}
		if n := moved(members, a.members); n > 2 {
			t.Errorf("%d members were moved", n)
		}
		c = s.client("one")
	}
}

// Law 13: one client that comes and goes beside thousands who are told the same has nothing made anew for the others.
func TestLaw13OneThatComesAndGoesBesideMany(t *testing.T) {
	s := newIndexRig(t, nil)
	for range 3000 {
		s.must(s.subscribe(s.client("others"), nil, "docs"))
	}
	told := s.snapshots("a")
	a := s.topics["docs"].audiences[0]
	first := &a.members[0]
	grown := cap(a.members) > len(a.members)
	for range 100 {
		c := s.client("one")
		s.must(s.subscribe(c, nil, "docs"))
		if got := s.snapshots("a"); len(got[0].list[0].members) != 3001 {
			t.Fatalf("%d are told", len(got[0].list[0].members))
		}
		s.remove(c)
		if got := s.snapshots("a"); len(got[0].list[0].members) != 3000 || got[0].list[0].members[0] != *first {
			t.Fatalf("%d are told", len(got[0].list[0].members))
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		c := &client{id: "x", account: "one"}
		s.must(s.subscribe(c, nil, "docs"))
		s.remove(c)
	}); n > 30 {
		t.Errorf("%v allocations to come and go", n)
	}
	if len(told[0].list[0].members) != 3000 || !grown && cap(a.members) < 3000 {
		t.Error("what was worked out for a change before has changed")
	}
}

// Law 13: finding who is told of a change looks at no other topics, and nothing is worked out anew while nobody comes or goes there.
func TestLaw13MatchingLooksAtNoOtherTopics(t *testing.T) {
	s := newIndexRig(t, nil)
	for i := range 2000 {
		s.must(s.subscribe(s.client("a"), nil, fmt.Sprintf("docs/r%d", i), fmt.Sprintf("other/*?%d", i)))
	}
	s.must(s.subscribe(s.client("a"), nil, "docs/*", s.docs.ID, "docs/r7?x"))
	before := s.snapshots("r7")
	var texts []string
	for _, list := range before {
		for _, r := range list.list {
			texts = append(texts, r.topic.text)
		}
	}
	slices.Sort(texts)
	if want := []string{"docs/*", "docs/r7", "docs/r7?x", s.docs.ID}; !slices.Equal(texts, want) {
		t.Errorf("told %q, want %q", texts, want)
	}
	s.must(s.subscribe(s.client("a"), nil, "docs/r8", "other/*?1"))
	if !same(before, s.snapshots("r7")) {
		t.Error("worked out anew because somebody listens to something else")
	}
	var dst [4]*snapshot
	if n := testing.AllocsPerRun(100, func() { s.addressees(dst[:0], s.docs, "r7", 1) }); n > 0 {
		t.Errorf("%v allocations to find who is told", n)
	}
}

// What was worked out for a change stays as it was whatever happens afterwards, and the index always agrees with what was asked of it:
// members, identities, bytes and work.
func TestIndexAgreesWithItself(t *testing.T) {
	share := budget.New(1<<24).Share("topics", 100, 100)
	s := newIndexRig(t, share)
	r := rand.New(rand.NewPCG(1, 2))
	var clients []*client
	type held struct {
		list    *recipients
		members []*client
	}
	var kept []held
	for step := range 4000 {
		switch k := r.IntN(10); {
		case k < 3 || len(clients) == 0:
			clients = append(clients, s.client(fmt.Sprint(r.IntN(3))))
		case k < 4:
			i := r.IntN(len(clients))
			s.remove(clients[i])
			clients = append(clients[:i], clients[i+1:]...)
		case k < 8:
			s.listenToSome(r, clients[r.IntN(len(clients))])
		case k < 9:
			s.bind(clients[r.IntN(len(clients))], s.user(fmt.Sprint(r.IntN(4))))
		default:
			for _, list := range s.snapshots("a") {
				for _, one := range list.list {
					kept = append(kept, held{one, slices.Clone(one.members)})
				}
			}
		}
		if step == 2000 {
			s.docs = s.docs.Clone() // a change of the definition
		}
	}
	for _, k := range kept {
		if !slices.Equal(k.list.members, k.members) {
			t.Fatal("members of an earlier moment have changed")
		}
	}
	s.checkAudiences(t)
	s.checkWork(t)
	for _, c := range clients {
		s.remove(c)
	}
	if n := len(s.topics) + len(s.buckets) + len(s.bound) + len(s.byID) + len(s.watched.topics) + len(s.watched.bound); n != 0 {
		t.Errorf("%d things are left", n)
	}
	if got := share.Usage(); got.Used != 0 || got.Clients != 0 {
		t.Errorf("%d bytes of %d clients are left", got.Used, got.Clients)
	}
}

// listenToSome replaces the topics of a client; one that is nobody may become a user.
func (s *indexRig) listenToSome(r *rand.Rand, c *client) {
	texts := []string{"docs", "docs/*", "docs/a", "docs/*?x", `docs/*?options={"query":{"filter":"t = 'a'"}}`, `docs?options={"query":{"expand":"x"}}`, "none/*", s.docs.ID}
	var list []string
	for _, text := range texts {
		if r.IntN(3) == 0 {
			list = append(list, text)
		}
	}
	who := c.who
	if who == nil && r.IntN(2) == 0 {
		who = s.user(fmt.Sprint(r.IntN(4)))
	}
	s.must(s.subscribe(c, who, list...))
}

// checkAudiences: where the identity matters, the members of an audience are the same one.
func (s *indexRig) checkAudiences(t *testing.T) {
	t.Helper()
	for _, list := range s.snapshots("a") {
		for _, one := range list.list {
			if d := one.topic.division; !d.reads.signed && !d.reads.all {
				continue // everybody is told the same
			}
			for _, m := range one.members {
				if one.who != nil && m.who == nil || m.who != nil && one.who != nil && one.who.ID != m.who.ID {
					t.Fatalf("somebody else's audience of %q", one.topic.text)
				}
			}
		}
	}
}

// checkWork: the work of each bucket is what its topics ask for, and what its clients are charged.
func (s *indexRig) checkWork(t *testing.T) {
	t.Helper()
	for _, b := range s.buckets {
		work := 0
		for _, t := range b.topics {
			work += t.work * len(t.audiences)
		}
		sum := 0
		for _, n := range b.clients {
			sum += n
		}
		if b.work != work || sum != work {
			t.Fatalf("bucket %q: work %d, charged %d, asked for %d", b.key, b.work, sum, work)
		}
	}
}

func filterTopic(i int) string {
	return fmt.Sprintf(`docs/*?options={"query":{"filter":"t ~ 'x%d'"}}`, i)
}

// Law 13: what the topics of a stream, of an address and of all ask for with each change is bounded, and a subscription that is refused
// leaves everything as it was.
func TestLaw13WorkOfTopicsIsBounded(t *testing.T) {
	s := newIndexRig(t, nil)
	work := parseTopic(filterTopic(0)).work
	many := func(from, n int) (texts []string) {
		for i := range n {
			texts = append(texts, filterTopic(from+i))
		}
		return texts
	}
	if err := streamWork(parseTopics(many(100000, MaxStreamWork/work))); err != nil {
		t.Errorf("at the limit of a stream: %v", err)
	}
	var limit *LimitError
	if err := streamWork(parseTopics(many(100000, MaxStreamWork/work+1))); !errors.As(err, &limit) || limit.Whose != OfStream || limit.Max != MaxStreamWork {
		t.Errorf("beyond the limit of a stream: %v", err)
	}
	perStream := MaxStreamWork / work
	fill := func(account string, from int) (n int, err error) {
		for ; err == nil && n < 2*MaxWork; n += perStream {
			err = s.subscribe(s.client(account), nil, many(from+n, perStream)...)
		}
		return n - perStream, err
	}
	n, err := fill("a", 0)
	if !errors.As(err, &limit) || limit.Whose != OfClient || n*work > MaxClientWork || (n+perStream)*work <= MaxClientWork {
		t.Errorf("one address: %d filters, %v", n, err)
	}
	// The same topics cost the same address nothing more.
	late := s.client("a")
	s.must(s.subscribe(late, nil, many(0, perStream)...))
	if err := s.subscribe(late, s.user("u"), append(many(200000, perStream-1), "docs")...); !errors.As(err, &limit) {
		t.Errorf("beyond the limit of an address: %v", err)
	}
	if len(late.subscriptions) != perStream || late.who != nil || !s.listens(late, filterTopic(0)) {
		t.Errorf("after a refusal: %d topics, bound to %v", len(late.subscriptions), late.who)
	}
	if n, err = fill("b", 300000); !errors.As(err, &limit) || limit.Whose != OfAll || n == 0 {
		t.Errorf("all addresses: %d filters, %v", n, err)
	}
	if s.buckets["docs"].work > MaxWork {
		t.Errorf("%d units of work", s.buckets["docs"].work)
	}
	// Somebody who listens to the collection without asking for anything is welcome.
	s.must(s.subscribe(s.client("c"), nil, "docs/*", "docs/r1"))
}

// What an expand asks for is bounded by its steps and back relations.
func TestWorkOfExpands(t *testing.T) {
	for expand, fits := range map[string]bool{
		"a": true, "a.b.c": true, "b_via_a": true,
		"b_via_a.a.b_via_a.a.b_via_a.a": false,
	} {
		text := `docs/*?options={"query":{"expand":"` + expand + `"}}`
		if err := streamWork([]*topic{parseTopic(text)}); (err == nil) != fits {
			t.Errorf("%s: %v", expand, err)
		}
	}
	if expand.CostOf("a.b").Steps != 2 {
		t.Error("steps are counted differently")
	}
}

// Law 13: the bytes of topics are bounded, of one client and of all; equal topics are kept once, by somebody who listens.
func TestLaw13BytesOfTopicsAreBounded(t *testing.T) {
	share := budget.New(100<<10).Share("topics", 100, 50)
	s := newIndexRig(t, share)
	fill := func(account string) (full *budget.FullError) {
		for i := 0; i < 1000; i++ {
			if err := s.subscribe(s.client(account), nil, fmt.Sprintf("x%s%d/*", account, i)); err != nil {
				errors.As(err, &full)
				return full
			}
		}
		return nil
	}
	if full := fill("a"); full == nil || !full.Client {
		t.Errorf("one client: %v", full)
	}
	if full := fill("b"); full == nil || !full.Client && share.Usage().Used < 90<<10 {
		t.Errorf("another client: %v", full)
	}
	if full := fill("c"); full == nil || full.Client {
		t.Errorf("all clients: %v", full)
	}
	used := share.Usage().Used
	if used > 100<<10 {
		t.Errorf("%d bytes are used", used)
	}
	// Who leaves hands a topic over to who stays.
	var one, other *client
	for _, c := range s.byID {
		if c.account == "a" && len(c.subscriptions) > 0 {
			one = c
		}
	}
	topic := one.subscriptions[0].t
	size := topic.size
	for _, c := range s.byID {
		if c.account == "b" && len(c.subscriptions) > 0 {
			s.remove(c)
			break
		}
	}
	other = s.client("b")
	s.must(s.subscribe(other, nil, topic.text))
	s.remove(one)
	if topic.payer != other || topic.account != "b" {
		t.Error("nobody who listens pays for the topic")
	}
	for _, c := range s.byID {
		s.remove(c)
	}
	if got := share.Usage(); got.Used != 0 || size == 0 {
		t.Errorf("%d bytes are left", got.Used)
	}
}
