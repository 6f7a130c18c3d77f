package records_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// enricher is user code for the collections whose names are set.
type enricher struct {
	names map[string]bool
	f     func(ctx context.Context, v *records.Shown, caller *records.Caller, inner func() error) error
	calls int
}

func (e *enricher) Enriches(c *schema.Collection) bool { return e.names[c.Name] }

func (e *enricher) Enrich(ctx context.Context, v *records.Shown, caller *records.Caller, inner func() error) error {
	e.calls++
	if e.f == nil {
		return inner()
	}
	return e.f(ctx, v, caller, inner)
}

// enrich gives the rig's store an Enricher that is bound to some collections.
func (g *rig) enrich(names ...string) *enricher {
	e := &enricher{names: make(map[string]bool)}
	for _, name := range names {
		e.names[name] = true
	}
	g.open(records.Options{Enricher: e, ExpandAll: g.opts.ExpandAll})
	return e
}

const (
	annID, bobID, bossID = "annannannannann", "bobbobbobbobbob", "bossbossbossbos"
	teamID               = "teamteamteamtea"
)

// worldRig has auth records of a team, posts by them, and all kinds of fields.
func worldRig(t testing.TB) *rig {
	g := newRig(t, `{"type":"base","name":"teams","viewRule":"","listRule":"","fields":[{"type":"text","name":"name"}]}`)
	g.define(fmt.Sprintf(members, g.catalogue.Load().Find("teams").ID))
	g.define(fmt.Sprintf(`{"type":"base","name":"posts","viewRule":"title != 'secret'","listRule":"","fields":[{"type":"text","name":"title"},
		{"type":"text","name":"hidden","hidden":true},{"type":"number","name":"n"},{"type":"bool","name":"ok"},{"type":"json","name":"data"},
		{"type":"geoPoint","name":"at"},{"type":"date","name":"day"},{"type":"select","name":"tags","maxSelect":3,"values":["a","b","c"]},
		{"type":"editor","name":"body"},{"type":"relation","name":"by","collectionId":%q,"maxSelect":1},
		{"type":"relation","name":"team","collectionId":%q,"maxSelect":1,"hidden":true}]}`,
		g.catalogue.Load().Find("members").ID, g.catalogue.Load().Find("teams").ID))
	g.define(`{"type":"view","name":"titles","listRule":"","viewRule":"","viewQuery":"SELECT id, title, n FROM posts"}`)
	g.create("teams", map[string]any{"id": teamID, "name": "t"})
	for id, name := range map[string]string{annID: "managed", bobID: "open", bossID: "boss"} {
		g.create("members", map[string]any{"id": id, "name": name, "email": name + "@x.test", "emailVisibility": name == "open",
			"team": teamID, "password": "12345678", "passwordConfirm": "12345678"})
		g.create("posts", map[string]any{"id": id, "title": "Of <" + name + ">", "hidden": "h", "n": 1.5, "ok": true, "data": map[string]any{"a": []any{1.0}},
			"at": map[string]any{"lon": 1.0, "lat": 2.0}, "day": "2024-01-01", "tags": []any{"a", "c"}, "body": "<p>\"é\"</p>", "by": id, "team": teamID})
	}
	return g
}

// callers are all who see different things.
func (g *rig) callers() map[string]records.Caller {
	all := map[string]records.Caller{"guest": {}, "superuser": {Superuser: true}, "self": {}, "manager": {}}
	for name, c := range all {
		c.Request = &filter.Request{Context: "default", Method: "GET", Now: time.Now()}
		switch name {
		case "self":
			c.Request.Auth = g.load("members", annID).Identity()
		case "manager":
			c.Request.Auth = g.load("members", bossID).Identity()
		}
		all[name] = c
	}
	return all
}

// answers collects everything that is shown of the world to a caller.
func (g *rig) answers(c records.Caller) []string {
	g.t.Helper()
	var all []string
	keep := func(out []byte, err error) {
		g.t.Helper()
		if err != nil {
			g.t.Fatal(err)
		}
		all = append(all, string(out))
	}
	for _, q := range []struct{ collection, expand, filter string }{
		{"posts", "", ""}, {"posts", "by,team", ""}, {"posts", "by.team.members_via_team", "n > 1"}, {"posts", "", "n > 5"}, {"members", "", ""},
		{"members", "posts_via_by,team", ""}, {"teams", "posts_via_team", ""}, {"titles", "", ""},
	} {
		cl := g.catalogue.Load().Find(q.collection)
		out, _, err := g.store.List(context.Background(), nil, &records.ListInput{CollectionID: cl.ID, Caller: c, Page: 1, PerPage: 10, Sort: "id", Filter: q.filter, Expand: q.expand})
		keep(out, err)
		if q.collection == "teams" || q.filter != "" {
			continue
		}
		out, err = g.store.View(context.Background(), []byte("x"), &records.ViewInput{CollectionID: cl.ID, ID: annID, Caller: c, Expand: q.expand})
		keep(out, err)
		if q.collection == "titles" {
			continue
		}
		r := g.load(q.collection, annID)
		for _, in := range []*records.AnswerInput{{}, {OwnEmail: true}} {
			in.Caller, in.Expand = c, q.expand
			out, err = g.store.Answer(context.Background(), []byte("x"), r, in)
			keep(out, err)
			err = g.db.Do(context.Background(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
				out, err := g.store.AnswerOn(context.Background(), g.catalogue.Load(), tx, nil, r, in)
				keep(out, err)
				d, err := g.store.DraftAnswer(g.catalogue.Load(), tx, r, in)
				if err != nil {
					return err
				}
				out, err = d.Append(context.Background(), nil)
				keep(out, err)
				return nil
			}))
			if err != nil {
				g.t.Fatal(err)
			}
		}
	}
	return all
}

// TestEnrichedAnswersAreTheSame: user code that does nothing changes nothing, to the byte.
func TestEnrichedAnswersAreTheSame(t *testing.T) {
	for _, all := range []bool{false, true} {
		g := worldRig(t)
		g.open(records.Options{ExpandAll: all})
		plain := make(map[string][]string)
		for name, c := range g.callers() {
			plain[name] = g.answers(c)
		}
		e := g.enrich("posts", "members", "teams", "titles")
		for _, names := range [][]string{{"posts", "members", "teams", "titles"}, {"posts"}, {"members"}, {}} {
			clear(e.names)
			for _, name := range names {
				e.names[name] = true
			}
			for name, c := range g.callers() {
				e.calls = 0
				got := g.answers(c)
				for i := range got {
					if got[i] != plain[name][i] {
						t.Errorf("expand all %v, %v enriched, for %s: answer %d\n%s\nwithout user code\n%s", all, names, name, i, got[i], plain[name][i])
					}
				}
				if (e.calls > 0) != (len(names) > 0) {
					t.Errorf("%d calls with %v enriched", e.calls, names)
				}
			}
		}
	}
}

// TestContextOfExpandedRecords: user code can tell where a record is shown, and to whom.
func TestContextOfExpandedRecords(t *testing.T) {
	g := worldRig(t)
	e := g.enrich("members", "posts")
	var got []string
	e.f = func(_ context.Context, v *records.Shown, caller *records.Caller, inner func() error) error {
		got = append(got, caller.Request.Context+" "+v.Record().Collection.Name+" "+caller.Request.Auth.ID)
		return inner()
	}
	c := g.callers()["self"]
	g.view("posts", bobID, c, "by,by.posts_via_by")
	want := []string{"default posts " + annID, "expand members " + annID, "expand posts " + annID}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("calls %v, want %v", got, want)
	}
	if c.Request.Context != "default" {
		t.Error("the caller's request was changed")
	}
}

func TestFailingUserCode(t *testing.T) {
	g := worldRig(t)
	e := g.enrich("members")
	because := errors.New("on purpose")
	e.f = func(context.Context, *records.Shown, *records.Caller, func() error) error { return because }
	c := g.callers()["guest"]
	posts, membersID := g.catalogue.Load().Find("posts").ID, g.catalogue.Load().Find("members").ID
	for name, read := range map[string]func(dst []byte) ([]byte, error){
		"list": func(dst []byte) ([]byte, error) {
			out, _, err := g.store.List(t.Context(), dst, &records.ListInput{CollectionID: membersID, Caller: c, Page: 1, PerPage: 5})
			return out, err
		},
		"expanded list": func(dst []byte) ([]byte, error) {
			out, _, err := g.store.List(t.Context(), dst, &records.ListInput{CollectionID: posts, Caller: c, Page: 1, PerPage: 5, Expand: "by"})
			return out, err
		},
		"view": func(dst []byte) ([]byte, error) {
			return g.store.View(t.Context(), dst, &records.ViewInput{CollectionID: membersID, ID: annID, Caller: c})
		},
		"answer": func(dst []byte) ([]byte, error) {
			return g.store.Answer(t.Context(), dst, g.load("members", annID), &records.AnswerInput{Caller: c})
		},
		"expanded answer": func(dst []byte) ([]byte, error) {
			return g.store.Answer(t.Context(), dst, g.load("posts", annID), &records.AnswerInput{Caller: c, Expand: "by"})
		},
	} {
		out, err := read([]byte("before"))
		if !errors.Is(err, records.ErrEnrich) || !errors.Is(err, because) || string(out) != "before" {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	if out, err := g.store.Answer(t.Context(), nil, g.load("members", annID), &records.AnswerInput{Caller: c, Plain: true}); err != nil || len(out) == 0 {
		t.Errorf("a plain answer: %q, %v", out, err)
	}
}

// TestUserCodeRunsWithoutReader: it runs once for each record, whatever it does, because no read is under way.
func TestUserCodeRunsWithoutReader(t *testing.T) {
	g := worldRig(t)
	e := g.enrich("posts", "members")
	e.f = func(ctx context.Context, v *records.Shown, _ *records.Caller, inner func() error) error {
		before := g.catalogue.Load().Number
		// A read that a change passes is run again and keeps changes out then: below one, this would wait for itself.
		err := g.db.Change(ctx, func(*sqlite.Tx) error { return nil }, func() {
			g.catalogue.Store(schema.NewCatalogue(before+1, g.catalogue.Load().Collections))
		})
		return errors.Join(err, inner())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := g.callers()["superuser"]
	posts := g.catalogue.Load().Find("posts").ID
	if _, _, err := g.store.List(ctx, nil, &records.ListInput{CollectionID: posts, Caller: c, Page: 1, PerPage: 5, Expand: "by"}); err != nil {
		t.Error(err)
	}
	if _, err := g.store.View(ctx, nil, &records.ViewInput{CollectionID: posts, ID: annID, Caller: c}); err != nil {
		t.Error(err)
	}
	if _, err := g.store.Answer(ctx, nil, g.load("posts", annID), &records.AnswerInput{Caller: c, Expand: "by"}); err != nil {
		t.Error(err)
	}
	if e.calls != 3+3+1+2 {
		t.Errorf("%d calls, want each record once", e.calls)
	}
}

// TestAnswerOnSeesTheTransaction: what was written a moment ago is expanded.
func TestAnswerOnSeesTheTransaction(t *testing.T) {
	g := worldRig(t)
	r := g.load("posts", annID)
	err := g.db.Do(t.Context(), sqlite.WorkFunc(func(tx *sqlite.Tx) error {
		tx.Touch("members")
		if err := tx.Exec("UPDATE members SET name = 'new' WHERE id = ?", annID); err != nil {
			return err
		}
		out, err := g.store.AnswerOn(t.Context(), g.catalogue.Load(), tx, nil, r, &records.AnswerInput{Caller: g.callers()["guest"], Expand: "by"})
		if err == nil && !strings.Contains(string(out), `"name":"new"`) {
			t.Errorf("got %s", out)
		}
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// TestUnboundEnricherCostsNothing holds the law that only a collection with user code pays for it.
func TestUnboundEnricherCostsNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates")
	}
	g := worldRig(t)
	c := g.callers()["guest"]
	posts := g.catalogue.Load().Find("posts").ID
	r := g.load("posts", annID)
	measure := func() (n [4]float64) {
		dst := make([]byte, 0, 64<<10)
		for i, f := range []func() error{
			func() (err error) {
				_, _, err = g.store.List(t.Context(), dst, &records.ListInput{CollectionID: posts, Caller: c, Page: 1, PerPage: 5})
				return err
			},
			func() (err error) {
				_, _, err = g.store.List(t.Context(), dst, &records.ListInput{CollectionID: posts, Caller: c, Page: 1, PerPage: 5, Expand: "by"})
				return err
			},
			func() (err error) {
				_, err = g.store.View(t.Context(), dst, &records.ViewInput{CollectionID: posts, ID: annID, Caller: c})
				return err
			},
			func() (err error) {
				_, err = g.store.Answer(t.Context(), dst, r, &records.AnswerInput{Caller: c})
				return err
			},
		} {
			n[i] = testing.AllocsPerRun(100, func() {
				if err := f(); err != nil {
					t.Fatal(err)
				}
			})
		}
		return n
	}
	plain := g.store
	clear(g.enrich("members").names)
	enriching := g.store
	var with, without [4]float64
	for range 10 { // pools forget things when they like
		g.store = plain
		without = measure()
		g.store = enriching
		if with = measure(); with == without {
			return
		}
	}
	t.Errorf("allocations of list, expand, view, answer: %v with an Enricher that has nothing bound, %v without", with, without)
}
