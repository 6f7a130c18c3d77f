package realtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/realtime"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// user makes a record of the auth collection that every directory has.
func (g *rig) user(id, name string) *records.Record {
	return g.create(g.app.Catalogue.Current().Find("users"), map[string]any{
		"id": id, "name": name, "email": name + "@example.com", "password": "12345678", "passwordConfirm": "12345678",
	})
}

func (g *rig) superuser() *records.Record {
	return g.create(g.app.Catalogue.Current().Find("_superusers"), map[string]any{
		"email": "root@example.com", "password": "1234567890", "passwordConfirm": "1234567890",
	})
}

func (g *rig) setRules(name string, rule *string) {
	g.t.Helper()
	must(g.t, g.app.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) error {
		c := g.app.Catalogue.Current().Find(name).Clone()
		c.ListRule, c.ViewRule = rule, rule
		return ch.Update(c.ID, c)
	}))
}

func TestWhoMayListen(t *testing.T) {
	g := newRig(t)
	g.docs("")
	ann, bob, root := g.user("ann000000000001", "ann"), g.user("bob000000000001", "bob"), g.superuser()
	streams := map[string]*stream{"guest": g.open(), "ann": g.open(), "bob": g.open(), "root": g.open()}
	streams["guest"].subscribe(nil, "docs/*", "marks")
	streams["ann"].subscribe(ann.Identity(), "docs/*", "marks")
	streams["bob"].subscribe(bob.Identity(), "docs/*", "marks")
	streams["root"].subscribe(root.Identity(), "docs/*", "marks")
	marks := g.collection(`{"name":"marks","type":"base","fields":[{"name":"t","type":"text"}],"listRule":""}`)
	text := func(s string) *string { return &s }
	for _, test := range []struct {
		rule *string
		want string
	}{
		{nil, "root"},
		{text(""), "ann bob guest root"},
		{text(`@request.auth.id != ""`), "ann bob root"},
		{text(`owner = @request.auth.id`), "ann root"},
		{text(`@request.auth.name = "bob"`), "bob root"},
		{text(`@request.auth.name:lower = "bob"`), "bob root"},
		{text(`@request.auth.id = ""`), "guest root"},
		{text(`@request.context = "realtime" && @request.method = "GET"`), "ann bob guest root"},
		{text(`@collection.users.id ?= owner && @request.auth.collectionName = "users"`), "ann bob root"},
		{text(`t = "other"`), "root"},
	} {
		g.setRules("docs", test.rule)
		for _, action := range []string{"create", "update", "delete"} {
			r := g.create(g.app.Catalogue.Current().Find("docs"), map[string]any{"t": "x", "owner": ann.ID()})
			switch action {
			case "update":
				g.update(r, nil)
			case "delete":
				g.delete(r)
			}
		}
		g.create(marks, map[string]any{"t": "mark"})
		for name, s := range streams {
			if strings.Contains(test.want, name) {
				s.expect("docs/* create x", "docs/* create x", "docs/* update x", "docs/* create x", "docs/* delete x")
			}
			s.expect("marks create mark")
		}
	}
}

func TestHiddenFieldsAndEmails(t *testing.T) {
	g := newRig(t)
	g.setRules("users", new(string))
	ann, bob, root := g.user("ann000000000001", "ann"), g.user("bob000000000001", "bob"), g.superuser()
	guest, own, other, super := g.open(), g.open(), g.open(), g.open()
	guest.subscribe(nil, "users/*")
	own.subscribe(ann.Identity(), "users/*")
	other.subscribe(bob.Identity(), "users/*")
	super.subscribe(root.Identity(), "users/*")
	show := func(s *stream) string {
		e := s.next()
		if strings.Contains(e.data, "tokenKey") || strings.Contains(e.data, `"password"`) {
			t.Errorf("secrets in %s", e.data)
		}
		email, _ := e.decode(t).Record["email"].(string)
		return email
	}
	ann = g.update(ann, map[string]any{"name": "anna"})
	if a, b, c, d := show(guest), show(own), show(other), show(super); a != "" || b != "ann@example.com" || c != "" || d != b {
		t.Errorf("guest sees %q, the record itself %q, another %q, a superuser %q", a, b, c, d)
	}
	g.update(ann, map[string]any{"emailVisibility": true})
	for _, s := range []*stream{guest, own, other, super} {
		if got := show(s); got != "ann@example.com" {
			t.Errorf("a visible email is %q", got)
		}
	}
}

func TestBinding(t *testing.T) {
	g := newRig(t)
	ann, bob := g.user("ann000000000001", "ann"), g.user("bob000000000001", "bob")
	hub := g.app.Realtime
	ctx := context.Background()
	s := g.open()
	if err := hub.Subscribe(ctx, "nobody", nil, nil, s.ip, nil); !errors.Is(err, realtime.ErrUnknownClient) {
		t.Errorf("unknown client: %v", err)
	}
	if err := hub.Subscribe(ctx, s.id, nil, nil, "10.0.0.2", nil); !errors.Is(err, realtime.ErrOtherAddress) {
		t.Errorf("other address: %v", err)
	}
	s.subscribe(nil, "a")
	s.subscribe(ann.Identity(), "a")
	s.subscribe(ann.Identity(), "a")
	if err := hub.Subscribe(ctx, s.id, nil, nil, s.ip, nil); !errors.Is(err, realtime.ErrOtherIdentity) {
		t.Errorf("back to guest: %v", err)
	}
	if err := hub.Subscribe(ctx, s.id, nil, bob.Identity(), s.ip, nil); !errors.Is(err, realtime.ErrOtherIdentity) {
		t.Errorf("another record: %v", err)
	}
	ann = g.update(ann, map[string]any{"name": "x"})
	if err := hub.Subscribe(ctx, s.id, nil, nil, s.ip, nil); !errors.Is(err, realtime.ErrOtherIdentity) {
		t.Errorf("guest after a plain update: %v", err)
	}
	g.update(ann, map[string]any{"password": "123456789", "passwordConfirm": "123456789"})
	s.subscribe(bob.Identity(), "a") // the stream is a guest since the answer to the update
	must(t, g.app.Catalogue.ChangeFunc(ctx, func(ch *schema.Change) error {
		c := g.app.Catalogue.Current().Find("users").Clone()
		c.Auth.AuthToken.Secret = strings.Repeat("s", 50)
		return ch.Update(c.ID, c)
	}))
	s.subscribe(nil, "a")
	s.subscribe(bob.Identity(), "a")
	g.delete(bob)
	s.subscribe(nil, "a")
}

func TestStreamsSeeTheNewIdentity(t *testing.T) {
	g := newRig(t)
	c := g.docs(`@request.auth.name = "ann"`)
	ann := g.user("ann000000000001", "ann")
	s := g.open()
	s.subscribe(ann.Identity(), "docs/*")
	g.create(c, map[string]any{"t": "1"})
	s.expect("docs/* create 1")
	ann = g.update(ann, map[string]any{"name": "changed"})
	g.create(c, map[string]any{"t": "2"})
	ann = g.update(ann, map[string]any{"name": "ann"})
	g.create(c, map[string]any{"t": "3"})
	s.expect("docs/* create 3")
	g.delete(ann)
	g.create(c, map[string]any{"t": "4"})
	s.subscribe(g.user("ann000000000002", "ann").Identity(), "docs/*")
	g.create(c, map[string]any{"t": "5"})
	s.expect("docs/* create 5")
}

// TestOwnDelete: a record that goes may hear of it, since it could see itself before.
func TestOwnDelete(t *testing.T) {
	g := newRig(t)
	rule := "id = @request.auth.id"
	g.setRules("users", &rule)
	ann := g.user("ann000000000001", "ann")
	s := g.open()
	s.subscribe(ann.Identity(), "users/*")
	g.delete(ann)
	if m := s.next().decode(t); m.Action != "delete" || m.Record["id"] != ann.ID() {
		t.Errorf("got %+v", m)
	}
}

func TestDeletesAreJudgedOnWhatWasThere(t *testing.T) {
	g := newRig(t)
	ann := g.user("ann000000000001", "ann")
	teams := g.collection(`{"name":"teams","type":"base","fields":[{"name":"t","type":"text"},{"name":"lead","type":"text"}],"listRule":"","viewRule":""}`)
	members := g.collection(`{"name":"members","type":"base","fields":[{"name":"t","type":"text"},
		{"name":"team","type":"relation","collectionId":"` + teams.ID + `","maxSelect":1,"cascadeDelete":true}],"listRule":"team.lead = @request.auth.id"}`)
	s, guest := g.open(), g.open()
	topic := `members/*?options={"query":{"expand":"team"}}`
	s.subscribe(ann.Identity(), topic)
	guest.subscribe(nil, topic, "teams/*")
	team := g.create(teams, map[string]any{"t": "team", "lead": ann.ID()})
	g.create(members, map[string]any{"t": "member", "team": team.ID()})
	s.expect(topic + " create member")
	g.delete(team)
	e := s.next()
	m := e.decode(t)
	expanded, _ := json.Marshal(m.Record["expand"])
	if m.Action != "delete" || m.Record["t"] != "member" || !strings.Contains(string(expanded), ann.ID()) {
		t.Errorf("got %s", e.data)
	}
	guest.expect("teams/* create team", "teams/* delete team")
}

// Relations to several collections are expanded in messages as in answers, under the view rules of each client.
func TestMessagesExpandPolymorphicRelations(t *testing.T) {
	g := newRig(t)
	ann := g.user("ann000000000001", "ann")
	cats := g.collection(`{"name":"cats","type":"base","fields":[{"name":"t","type":"text"}],"viewRule":""}`)
	dogs := g.collection(`{"name":"dogs","type":"base","fields":[{"name":"t","type":"text"}],"viewRule":"@request.auth.id != ''"}`)
	homes := g.collection(`{"name":"homes","type":"base","fields":[{"name":"t","type":"text"},
		{"name":"pets","type":"relation","collectionIds":["` + cats.ID + `","` + dogs.ID + `"],"maxSelect":9}],"listRule":""}`)
	tom, rex := g.create(cats, map[string]any{"t": "tom"}), g.create(dogs, map[string]any{"t": "rex"})
	signedIn, guest := g.open(), g.open()
	const all, some = `homes/*?options={"query":{"expand":"pets"}}`, `homes/*?options={"query":{"expand":"pets@dogs"}}`
	signedIn.subscribe(ann.Identity(), all)
	guest.subscribe(nil, all, some)
	g.create(homes, map[string]any{"t": "home", "pets": []any{dogs.ID + ":" + rex.ID(), cats.ID + ":" + tom.ID()}})
	pets := func(e event) (names string) {
		expand, _ := e.decode(t).Record["expand"].(map[string]any)
		list, _ := expand["pets"].([]any)
		for _, pet := range list {
			names += fmt.Sprint(" ", pet.(map[string]any)["t"])
		}
		return names
	}
	if got := pets(signedIn.next()); got != " rex tom" {
		t.Errorf("who signed in is told of%s", got)
	}
	for range 2 {
		e := guest.next()
		if got, want := pets(e), map[string]string{all: " tom", some: ""}[e.name]; got != want {
			t.Errorf("a guest of %s is told of%s, want%s", e.name, got, want)
		}
	}
}

func TestSend(t *testing.T) {
	g := newRig(t)
	s := g.open()
	hub := g.app.Realtime
	if err := hub.Send(s.id, "@oauth2", []byte(`{}`)); !errors.Is(err, realtime.ErrUnknownClient) {
		t.Errorf("a topic nobody listens to: %v", err)
	}
	s.subscribe(nil, "@oauth2")
	must(t, hub.Send(s.id, "@oauth2", []byte(`{"code":"1"}`)))
	if e := s.next(); e.name != "@oauth2" || e.data != `{"code":"1"}` {
		t.Errorf("got %+v", e)
	}
}

// TestRedeem: a topic that works once, also when somebody else tries.
func TestRedeem(t *testing.T) {
	g := newRig(t)
	hub := g.app.Realtime
	s := g.open()
	s.subscribe(nil, "@oauth2", "other")
	must(t, hub.Redeem(s.id, "@oauth2", s.ip, []byte(`1`)))
	if err := hub.Redeem(s.id, "@oauth2", s.ip, []byte(`2`)); !errors.Is(err, realtime.ErrUnknownClient) {
		t.Errorf("a second time: %v", err)
	}
	s.subscribe(nil, "@oauth2", "other")
	if err := hub.Redeem(s.id, "@oauth2", "10.0.0.2", []byte(`3`)); !errors.Is(err, realtime.ErrOtherAddress) {
		t.Errorf("from elsewhere: %v", err)
	}
	if err := hub.Redeem(s.id, "@oauth2", s.ip, []byte(`4`)); !errors.Is(err, realtime.ErrUnknownClient) {
		t.Errorf("after a try from elsewhere: %v", err)
	}
	must(t, hub.Send(s.id, "other", []byte(`5`)))
	if a, b := s.next(), s.next(); a.name != "@oauth2" || a.data != "1" || b.name != "other" || b.data != "5" {
		t.Errorf("got %+v %+v", a, b)
	}
}
