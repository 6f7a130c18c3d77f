package records_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
)

// members are auth records of one team; the boss manages the one called "managed".
const members = `{"type":"auth","name":"members","listRule":"","viewRule":"","authRule":"","manageRule":"name = 'managed' && @request.auth.name = 'boss'",
	"fields":[{"type":"text","name":"name"},{"type":"relation","name":"team","collectionId":%q,"maxSelect":1}]}`

// shown is the part of an answer that these tests look at.
type shown struct {
	ID, Email string
	Expand    map[string]json.RawMessage
}

func TestWhoSeesEmails(t *testing.T) {
	const team, managed, open, boss = "teamteamteamtea", "managedmanagedm", "openopenopenope", "bossbossbossbos"
	g := newRig(t, `{"type":"base","name":"teams","viewRule":"","listRule":"","fields":[{"type":"text","name":"name"}]}`)
	teams := g.catalogue.Load().Find("teams").ID
	g.define(fmt.Sprintf(members, teams))
	g.define(fmt.Sprintf(`{"type":"base","name":"posts","viewRule":"","listRule":"","fields":[{"type":"relation","name":"by","collectionId":%q,"maxSelect":1}]}`, g.catalogue.Load().Find("members").ID))
	g.create("teams", map[string]any{"id": team, "name": "t"})
	for id, name := range map[string]string{managed: "managed", open: "open", boss: "boss"} {
		g.create("members", map[string]any{"id": id, "name": name, "email": name + "@x.test", "emailVisibility": name == "open",
			"team": team, "password": "12345678", "passwordConfirm": "12345678"})
		g.create("posts", map[string]any{"id": id, "by": id})
	}
	for who, c := range map[string]struct {
		auth  string
		super bool
		sees  []string
	}{
		"guest":     {"", false, []string{open}},
		"self":      {managed, false, []string{managed, open}},
		"manager":   {boss, false, []string{managed, open, boss}},
		"another":   {open, false, []string{open}},
		"superuser": {"", true, []string{managed, open, boss}},
	} {
		t.Run(who, func(t *testing.T) {
			caller := records.Caller{Request: &filter.Request{Context: "default", Now: time.Now()}, Superuser: c.super}
			if c.auth != "" {
				caller.Request.Auth = g.load("members", c.auth).Identity()
			}
			sees := map[string]bool{}
			for _, id := range c.sees {
				sees[id] = true
			}
			check := func(where string, list []shown) { t.Helper(); checkEmails(t, where, list, sees) }
			page := g.page("members", caller, "")
			check("list", page)
			var views, answers, direct []shown
			for _, r := range page {
				views = append(views, g.view("members", r.ID, caller, ""))
				out, err := g.store.Answer(t.Context(), nil, g.load("members", r.ID), &records.AnswerInput{Caller: caller})
				if err != nil {
					t.Fatal(err)
				}
				answers = append(answers, decoded[shown](t, out))
			}
			check("view", views)
			check("answer", answers)
			for _, r := range g.page("posts", caller, "by") {
				direct = append(direct, decoded[shown](t, r.Expand["by"]))
			}
			check("expand", direct)
			back := g.view("teams", team, caller, "members_via_team")
			check("back relation", decoded[[]shown](t, back.Expand["members_via_team"]))
		})
	}
}

// checkEmails checks that of three records those emails are shown that may be seen.
func checkEmails(t *testing.T, where string, list []shown, sees map[string]bool) {
	t.Helper()
	if len(list) != 3 {
		t.Errorf("%s: %d records, want 3", where, len(list))
	}
	for _, r := range list {
		if (r.Email != "") != sees[r.ID] {
			t.Errorf("%s: email of %s is %q, to be seen: %v", where, r.ID, r.Email, sees[r.ID])
		}
	}
}

func (g *rig) page(collection string, who records.Caller, expand string) []shown {
	g.t.Helper()
	in := &records.ListInput{CollectionID: g.catalogue.Load().Find(collection).ID, Caller: who, Page: 1, PerPage: 100, Expand: expand}
	out, _, err := g.store.List(g.t.Context(), nil, in)
	if err != nil {
		g.t.Fatal(err)
	}
	return decoded[struct{ Items []shown }](g.t, out).Items
}

func (g *rig) view(collection, id string, who records.Caller, expand string) shown {
	g.t.Helper()
	in := &records.ViewInput{CollectionID: g.catalogue.Load().Find(collection).ID, ID: id, Caller: who, Expand: expand}
	out, err := g.store.View(g.t.Context(), nil, in)
	if err != nil {
		g.t.Fatal(err)
	}
	return decoded[shown](g.t, out)
}

func decoded[T any](t testing.TB, b []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("decode %s: %v", b, err)
	}
	return v
}
