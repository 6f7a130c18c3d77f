package records_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

// polyRig has cats, which name a toy, and dogs, which do not; mice, which are only there; and homes, which name cats and
// dogs.
func polyRig(t testing.TB, options string) *rig {
	g := newRig(t, `{"id":"toys00000000001","type":"base","name":"toys","viewRule":"","fields":[{"type":"text","name":"name"}]}`,
		`{"id":"cats00000000001","type":"base","name":"cats","listRule":"","viewRule":"name != 'secret'","fields":[{"type":"text","name":"name"},
			{"type":"relation","name":"toy","maxSelect":1,"collectionId":"toys00000000001"}]}`,
		`{"id":"dogs00000000001","type":"base","name":"dogs","listRule":"","viewRule":"","fields":[{"type":"text","name":"name"}]}`,
		`{"id":"mice00000000001","type":"base","name":"mice","fields":[{"type":"text","name":"name"}]}`)
	g.define(`{"id":"homes0000000001","type":"base","name":"homes","listRule":"","viewRule":"","fields":[{"type":"text","name":"name"},
		{"type":"relation","name":"one","maxSelect":1,"collectionIds":["cats00000000001","dogs00000000001"]` + options + `},
		{"type":"relation","name":"many","maxSelect":5,"cascadeDelete":true,"collectionIds":["cats00000000001","dogs00000000001","mice00000000001"]` + options + `},
		{"type":"relation","name":"solo","maxSelect":2,"collectionIds":["cats00000000001"]}]}`)
	for _, r := range [][2]string{{"toys", "ball"}, {"cats", "tom"}, {"cats", "kit"}, {"cats", "secret"}, {"dogs", "rex"}, {"dogs", "ace"}, {"mice", "mig"}} {
		body := map[string]any{"id": petID(r[1]), "name": r[1]}
		if r[1] == "tom" {
			body["toy"] = petID("ball")
		}
		g.create(r[0], body)
	}
	return g
}

// petID is the id of the record of that name.
func petID(name string) string { return name + strings.Repeat("0", 15-len(name)) }

// cat and dog are the values that name them; gone ones, too.
func cat(name string) string { return "cats00000000001:" + petID(name) }
func dog(name string) string { return "dogs00000000001:" + petID(name) }

func TestPolymorphicValues(t *testing.T) {
	const wrongForm = "Polymorphic relation requires values in '<collectionId>:<id>' format."
	const notAllowed, noRecord = "Invalid relation collection reference.", "Failed to find all relation records with the provided ids."
	g := polyRig(t, "")
	for _, tt := range []struct {
		name, field string
		value       any
		want        schema.Value
		failure     string
	}{
		{"composite", "one", cat("tom"), cat("tom"), ""},
		{"plain", "one", petID("tom"), nil, wrongForm},
		{"name of the collection", "one", "cats:" + petID("tom"), nil, notAllowed},
		{"no collection", "one", ":" + petID("tom"), nil, notAllowed},
		{"another collection", "one", "mice00000000001:" + petID("mig"), nil, notAllowed},
		{"no record", "one", cat("nobody"), nil, noRecord},
		{"no id", "one", "cats00000000001:", nil, noRecord},
		{"record of another collection", "one", cat("rex"), nil, noRecord},
		{"the last of several", "one", []any{cat("tom"), dog("rex")}, dog("rex"), ""},
		{"empty", "one", "", "", ""},
		{"mixed, in order, each once", "many", []any{dog("rex"), cat("tom"), dog("rex"), dog("ace")}, []string{dog("rex"), cat("tom"), dog("ace")}, ""},
		{"one of several missing", "many", []any{dog("rex"), cat("tom"), dog("nobody")}, nil, noRecord},
		{"one of several plain", "many", []any{dog("rex"), petID("tom")}, nil, wrongForm},
		{"too many", "many", []any{dog("rex"), "b", "c", "d", "e", "f"}, nil, "Select no more than 5."},
		{"plain for one collection", "solo", petID("tom"), []string{petID("tom")}, ""},
		{"plain and composite of one record", "solo", []any{petID("tom"), cat("tom")}, []string{petID("tom"), cat("tom")}, ""},
		{"plain that is missing", "solo", petID("rex"), nil, noRecord},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := g.tryCreate("homes", map[string]any{tt.field: tt.value})
			if tt.failure != "" {
				if err == nil || !strings.Contains(fmt.Sprint(asBody(t, err)), tt.failure) {
					t.Errorf("failed with %v, want %q", err, tt.failure)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := g.load("homes", r.ID()).Get(tt.field); fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("stored %v, want %v", got, tt.want)
			}
		})
	}
}

// asBody returns what a client sees of the failures of fields.
func asBody(t *testing.T, err error) any {
	t.Helper()
	raw, jsonErr := json.Marshal(err)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	return decoded[any](t, raw)
}

func TestPolymorphicModifiers(t *testing.T) {
	g := polyRig(t, "")
	id := g.create("homes", map[string]any{"many": []any{cat("tom"), dog("rex")}}).ID()
	for _, tt := range []struct {
		key   string
		value any
		want  []string
	}{
		{"many+", dog("ace"), []string{cat("tom"), dog("rex"), dog("ace")}},
		{"many+", cat("tom"), []string{cat("tom"), dog("rex"), dog("ace")}},
		{"+many", cat("kit"), []string{cat("kit"), cat("tom"), dog("rex"), dog("ace")}},
		{"many-", []any{cat("tom"), petID("rex")}, []string{cat("kit"), dog("rex"), dog("ace")}},
	} {
		if err := g.tryUpdate("homes", id, map[string]any{tt.key: tt.value}); err != nil {
			t.Fatal(err)
		}
		if got := g.load("homes", id).Get("many"); fmt.Sprint(got) != fmt.Sprint(tt.want) {
			t.Errorf("%s %v made %v, want %v", tt.key, tt.value, got, tt.want)
		}
	}
	if err := g.tryUpdate("homes", id, map[string]any{"many+": dog("nobody")}); err == nil {
		t.Error("a missing record was appended")
	}
}

func TestDeleteLeavesPolymorphicValues(t *testing.T) {
	g := polyRig(t, `,"required":true`)
	id := g.create("homes", map[string]any{"one": cat("tom"), "many": []any{cat("tom")}}).ID()
	g.emitted()
	if err := g.tryDelete("cats", petID("tom")); err != nil {
		t.Fatal(err)
	}
	if got := g.emitted(); !slices.Equal(got, []string{"delete cats/" + petID("tom")}) {
		t.Errorf("emitted %v", got)
	}
	if r := g.load("homes", id); r.Get("one") != cat("tom") || fmt.Sprint(r.Get("many")) != fmt.Sprint([]string{cat("tom")}) {
		t.Errorf("left %v and %v", r.Get("one"), r.Get("many"))
	}
	// What is stored already takes part in no other change.
	for _, body := range []map[string]any{{"name": "new"}, {"many+": dog("rex")}, {"many": []any{dog("ace"), cat("tom")}}} {
		if err := g.tryUpdate("homes", id, body); err != nil {
			t.Errorf("%v: %v", body, err)
		}
	}
	if err := g.tryUpdate("homes", id, map[string]any{"solo": cat("tom")}); err == nil {
		t.Error("a deleted record was named in another field")
	}
}

func TestPolymorphicFilters(t *testing.T) {
	g := polyRig(t, "")
	g.define(`{"id":"barns0000000001","type":"base","name":"barns","listRule":"","fields":[{"type":"text","name":"name"},
		{"type":"relation","name":"one","maxSelect":1,"collectionId":"cats00000000001","collectionIds":["cats00000000001","dogs00000000001"]}]}`)
	for _, collection := range []string{"homes", "barns"} {
		g.create(collection, map[string]any{"name": "a", "one": cat("tom"), "many": []any{dog("rex"), cat("tom")}})
		g.create(collection, map[string]any{"name": "b", "one": dog("rex"), "many": []any{dog("ace")}})
	}
	for _, tt := range []struct{ collection, filter, want string }{
		{"homes", "one ~ 'tom'", "a"},
		{"homes", "one = '" + dog("rex") + "'", "b"},
		{"homes", "one ~ 'dogs00000000001:%'", "b"},
		{"homes", "one = '" + petID("tom") + "'", ""},
		{"homes", "many:each ?= '" + dog("rex") + "'", "a"},
		{"homes", "many:length = 1", "b"},
		{"homes", "one.name = 'tom'", "400"},
		{"homes", "many.name ?= 'tom'", "400"},
		{"cats", "homes_via_one.name ?= 'a'", "400"},
		{"barns", "one.name = 'tom'", ""},
		{"barns", "one.name != 'tom'", "ab"},
		{"cats", "barns_via_one.name ?= 'a'", ""},
	} {
		in := g.input(tt.collection, nil)
		out, _, err := g.store.List(t.Context(), nil, &records.ListInput{CollectionID: in.CollectionID, Caller: anyone(false), Page: 1, PerPage: 30, Filter: tt.filter, Sort: "name"})
		var got string
		if errors.Is(err, records.ErrQuery) {
			got = "400"
		} else if err != nil {
			t.Fatal(err)
		} else {
			for _, item := range decoded[struct{ Items []struct{ Name string } }](t, out).Items {
				got += item.Name
			}
		}
		if got != tt.want {
			t.Errorf("%s if %s: got %q, want %q", tt.collection, tt.filter, got, tt.want)
		}
	}
}

// outline writes a record's name and, in braces, what is expanded below it.
func outline(t testing.TB, raw json.RawMessage) string {
	t.Helper()
	r := decoded[struct {
		Name   string
		Expand map[string]json.RawMessage
	}](t, raw)
	var parts []string
	for key, below := range r.Expand {
		list := []json.RawMessage{below}
		if below[0] == '[' {
			list = decoded[[]json.RawMessage](t, below)
		}
		var names []string
		for _, b := range list {
			names = append(names, outline(t, b))
		}
		part := key + ":" + strings.Join(names, "+")
		if below[0] == '[' {
			part = key + ":[" + strings.Join(names, "+") + "]"
		}
		parts = append(parts, part)
	}
	if r.Expand == nil {
		return r.Name
	}
	slices.Sort(parts)
	return r.Name + "{" + strings.Join(parts, " ") + "}"
}

// homesRig has homes of pets, some of which are gone.
func homesRig(t testing.TB) *rig {
	g := polyRig(t, "")
	g.create("homes", map[string]any{"id": petID("home"), "name": "home", "one": dog("rex"), "solo": []any{petID("tom"), cat("kit")},
		"many": []any{dog("rex"), cat("tom"), "mice00000000001:" + petID("mig"), cat("secret"), dog("ace")}})
	g.create("homes", map[string]any{"id": petID("lost"), "name": "lost", "one": cat("kit"), "many": []any{cat("kit"), dog("ace")}})
	g.exec("DELETE FROM cats WHERE name = 'kit'")
	return g
}

func TestExpandPolymorphic(t *testing.T) {
	g := homesRig(t)
	for _, tt := range []struct {
		id, expand string
		superuser  bool
		want       string
	}{
		{"home", "one", false, "home{one:rex}"},
		{"home", "many", false, "home{many:[rex+tom+ace]}"},
		{"home", "many", true, "home{many:[rex+tom+mig+secret+ace]}"},
		{"home", "one,many", false, "home{many:[rex+tom+ace] one:rex}"},
		{"home", "many@cats", false, "home{many:[tom]}"},
		{"home", "many@CATS", false, "home{many:[tom]}"},
		{"home", "many@dogs00000000001", false, "home{many:[rex+ace]}"},
		{"home", "many@cats,many@dogs", false, "home{many:[rex+tom+ace]}"},
		{"home", "many@cats,many", false, "home{many:[rex+tom+ace]}"},
		{"home", "one@cats", false, "home{}"},
		{"home", "one@dogs", false, "home{one:rex}"},
		{"home", "many@toys", false, "home"},
		{"home", "many@nothing", false, "home"},
		{"home", "many@", false, "home"},
		{"home", "many@mice", false, "home"}, // its view rule is null
		{"home", "many@mice", true, "home{many:[mig]}"},
		{"home", "solo", false, "home{}"}, // a plain id is not followed, the other is gone
		{"home", "name@cats", false, "home"},
		{"home", "many@cats.toy", false, "home{many:[tom{toy:ball}]}"},
		{"home", "many@cats.toy,many", false, "home{many:[rex+tom{toy:ball}+ace]}"},
		{"home", "many.toy", false, "home{many:[rex+tom{toy:ball}+ace]}"},
		{"home", "many@dogs.toy", false, "home"},
		{"home", "many.nothing", false, "home"},
		{"home", "toy@toys", false, "home"},
		{"lost", "one,many", false, "lost{many:[ace]}"},
	} {
		out, err := g.store.View(t.Context(), nil, &records.ViewInput{CollectionID: "homes0000000001", ID: petID(tt.id), Caller: anyone(tt.superuser), Expand: tt.expand})
		if err != nil {
			t.Fatal(err)
		}
		if got := outline(t, out); got != tt.want {
			t.Errorf("expand %q (superuser %v)\n got %s\nwant %s", tt.expand, tt.superuser, got, tt.want)
		}
	}
}

func TestExpandPolymorphicOfListsAndViews(t *testing.T) {
	g := homesRig(t)
	// In a list the records of all are read together.
	for expand, want := range map[string]string{"many": "home{many:[rex+tom+ace]} lost{many:[ace]}", "many@cats": "home{many:[tom]} lost{}"} {
		out, _, err := g.store.List(t.Context(), nil, &records.ListInput{CollectionID: "homes0000000001", Caller: anyone(false), Page: 1, PerPage: 30, Sort: "name", Expand: expand})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, item := range decoded[struct{ Items []json.RawMessage }](t, out).Items {
			got = append(got, outline(t, item))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("list with %q: got %s, want %s", expand, strings.Join(got, " "), want)
		}
	}
	g.define(`{"type":"view","name":"shelters","viewRule":"","viewQuery":"select id, name, many as pets from homes"}`)
	out, err := g.store.View(t.Context(), nil, &records.ViewInput{CollectionID: g.catalogue.Load().Find("shelters").ID, ID: petID("home"), Caller: anyone(false), Expand: "pets"})
	if err != nil {
		t.Fatal(err)
	}
	if got := outline(t, out); got != "home{pets:[rex+tom+ace]}" {
		t.Errorf("a view has %s", got)
	}
	if got := g.view("cats", petID("tom"), anyone(false), "toy@toys").Expand; got != nil {
		t.Errorf("an @ after a relation to one collection expands %v", got)
	}
}

func TestExpandAllPolymorphic(t *testing.T) {
	g := polyRig(t, "")
	g.open(records.Options{ExpandAll: true})
	g.create("homes", map[string]any{"id": petID("home"), "name": "home", "one": dog("rex"), "solo": petID("tom"),
		"many": []any{dog("rex"), cat("tom"), "mice00000000001:" + petID("mig"), cat("secret"), dog("ace")}})
	for _, tt := range []struct {
		expand    string
		superuser bool
		want      string
	}{
		{"", false, "home{many:[rex+tom{toy:ball}+ace] one:rex}"},
		{"", true, "home{many:[rex+tom{toy:ball}+mig+secret{}+ace] one:rex}"},
		{"many", false, "home{many:[rex+tom{toy:ball}+ace] one:rex}"},
		{"many@dogs", false, "home{many:[rex+ace] one:rex}"},
		{"one@cats", false, "home{many:[rex+tom{toy:ball}+ace]}"},
	} {
		out, err := g.store.View(t.Context(), nil, &records.ViewInput{CollectionID: "homes0000000001", ID: petID("home"), Caller: anyone(tt.superuser), Expand: tt.expand})
		if err != nil {
			t.Fatal(err)
		}
		if got := outline(t, out); got != tt.want {
			t.Errorf("expand %q (superuser %v)\n got %s\nwant %s", tt.expand, tt.superuser, got, tt.want)
		}
	}
}

// Hidden polymorphic relations are expanded only for those who may see them, like others.
func TestExpandAllHidesPolymorphic(t *testing.T) {
	g := polyRig(t, `,"hidden":true`)
	g.open(records.Options{ExpandAll: true})
	g.create("homes", map[string]any{"id": petID("home"), "name": "home", "one": dog("rex")})
	for superuser, want := range map[bool]string{false: "home{}", true: "home{one:rex}"} {
		out, err := g.store.View(t.Context(), nil, &records.ViewInput{CollectionID: "homes0000000001", ID: petID("home"), Caller: anyone(superuser)})
		if err != nil {
			t.Fatal(err)
		}
		if got := outline(t, out); got != want {
			t.Errorf("superuser %v: got %s, want %s", superuser, got, want)
		}
	}
}
