package records_test

import (
	"slices"
	"testing"

	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
)

const (
	ann = "annannannannann"
	bob = "bobbobbobbobbob"
)

// people makes two users with a row in every collection that belongs to users: both also under another collection's id.
func people(g *rig) {
	g.t.Helper()
	for _, id := range []string{ann, bob} {
		g.create("users", map[string]any{"id": id, "email": id + "@x.test", "password": "12345678", "passwordConfirm": "12345678"})
	}
	users := g.catalogue.Load().Find("users").ID
	for _, table := range schema.AuthRefTables() {
		extra, values := "", ""
		switch table {
		case "_externalAuths":
			extra, values = ", provider, providerId", ", 'p', 'o' || ?1"
		case "_authOrigins":
			extra, values = ", fingerprint", ", 'f' || ?1"
		}
		insert := "INSERT INTO " + table + " (id, collectionRef, recordRef" + extra + ") VALUES (?1, ?2, ?3" + values + ")"
		for _, id := range []string{ann, bob} {
			g.exec(insert, id, users, id)
		}
		g.exec(insert, "otherotherother", "pbc_other", ann)
	}
	g.emitted()
}

func TestWhatEndsWithADeletedUser(t *testing.T) {
	g := newRig(t)
	people(g)
	if err := g.tryDelete("users", ann); err != nil {
		t.Fatal(err)
	}
	want := []string{"delete users/" + ann}
	for _, table := range schema.AuthRefTables() {
		want = append(want, "delete "+table+"/"+ann)
	}
	got := g.emitted()
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("emitted %v, want %v", got, want)
	}
	for _, table := range schema.AuthRefTables() {
		if n := g.totalOf(table); n != 2 {
			t.Errorf("%s has %d rows, want those of others: 2", table, n)
		}
	}
}

func TestWhatEndsWithTruncatedUsers(t *testing.T) {
	g := newRig(t)
	people(g)
	cmd, err := g.store.PrepareTruncate(g.catalogue.Load().Find("users").ID, records.Caller{})
	if err == nil {
		err = g.do(t.Context(), cmd)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range schema.AuthRefTables() {
		if n := g.totalOf(table); n != 1 {
			t.Errorf("%s has %d rows, want that of another collection", table, n)
		}
	}
}

func TestWhatEndsWithAChange(t *testing.T) {
	password := map[string]any{"password": "abcdefgh", "passwordConfirm": "abcdefgh"}
	for name, c := range map[string]struct {
		body   map[string]any
		ends   []string
		newKey bool
	}{
		"password":        {password, []string{"_otps", "_mfas", "_authOrigins"}, true},
		"same password":   {map[string]any{"password": "12345678", "passwordConfirm": "12345678"}, []string{"_otps", "_mfas", "_authOrigins"}, true},
		"email":           {map[string]any{"email": "new@x.test"}, []string{"_otps"}, true},
		"token key":       {map[string]any{"tokenKey": "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"}, []string{"_otps"}, true},
		"drawn token key": {map[string]any{"tokenKey:autogenerate": ""}, []string{"_otps"}, true},
		"verified":        {map[string]any{"verified": true}, []string{"_externalAuths", "_otps"}, true},
		"visibility":      {map[string]any{"emailVisibility": true}, nil, false},
		"name":            {map[string]any{"name": "Ann"}, nil, false},
		"nothing":         {nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := newRig(t)
			people(g)
			key := g.load("users", ann).Text("tokenKey")
			if err := g.tryUpdate("users", ann, c.body); err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, table := range c.ends {
				want = append(want, "delete "+table+"/"+ann)
			}
			want = append(want, "update users/"+ann)
			if got := g.emitted(); !sameElements(got, want) {
				t.Errorf("emitted %v, want %v", got, want)
			}
			after := g.load("users", ann).Text("tokenKey")
			if changed := after != key; changed != c.newKey {
				t.Errorf("token key changed: %v, want %v", changed, c.newKey)
			}
			if sent, ok := c.body["tokenKey"]; ok && after != sent {
				t.Errorf("token key is %q, want the one that was sent", after)
			}
			if len(after) < 30 {
				t.Errorf("token key %q is too short", after)
			}
		})
	}
}

// A user without links keeps the token key when it becomes verified.
func TestVerifiedWithoutLinksKeepsTokenKey(t *testing.T) {
	g := newRig(t)
	people(g)
	g.exec("DELETE FROM _externalAuths")
	key := g.load("users", ann).Text("tokenKey")
	if err := g.tryUpdate("users", ann, map[string]any{"verified": true}); err != nil {
		t.Fatal(err)
	}
	if got, want := g.emitted(), []string{"update users/" + ann}; !slices.Equal(got, want) {
		t.Errorf("emitted %v, want %v", got, want)
	}
	if g.load("users", ann).Text("tokenKey") != key {
		t.Error("the token key changed")
	}
}

func sameElements(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
