package api_test

import (
	"fmt"
	"testing"

	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/records"
)

// family are collections that refer to each other: what goes along with a deletion, what is released by it and what
// refuses it. "@x" stands for the id of a collection.
func family(g *rig) {
	ref := func(to, more string) string {
		return fmt.Sprintf(`{"name":"p","type":"relation","collectionId":%q,%s}`, g.app.Catalogue.Current().Find(to).ID, more)
	}
	g.collection(`{"name":"parents","type":"base"}`)
	g.collection(`{"name":"a_children","type":"base","fields":[` + ref("parents", `"maxSelect":1,"cascadeDelete":true`) + `]}`)
	g.collection(`{"name":"b_links","type":"base","fields":[{"name":"t","type":"text"},{"name":"updated","type":"autodate","onUpdate":true},` +
		ref("parents", `"maxSelect":5`) + `]}`)
	g.collection(`{"name":"c_required","type":"base","fields":[` + ref("parents", `"maxSelect":1,"required":true`) + `]}`)
	g.collection(`{"name":"d_grand","type":"base","fields":[` + ref("a_children", `"maxSelect":1,"cascadeDelete":true`) + `]}`)
}

// TestCascade is extension-surface.md 4.3.
func TestCascade(t *testing.T) {
	g := newRig(t, nil)
	family(g)
	p, q := g.make("parents", `{}`), g.make("parents", `{}`)
	child := g.make("a_children", `{"p":"`+p+`"}`)
	link := g.make("b_links", `{"p":["`+p+`","`+q+`"]}`)
	g.make("d_grand", `{"p":"`+child+`"}`)
	l := g.witness("parents", "a_children", "b_links", "d_grand")
	r := record(g.app)
	r.named = true
	r.before["Update"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
		if got := e.Record.Texts("p"); len(got) != 1 || got[0] != q {
			t.Errorf("the released record has %v", got)
		}
		e.Record.Set("t", "by a hook")
		return nil
	}
	r.after["Delete"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
		if e.Record.Collection.Name == "parents" { // the transaction is over
			if n := len(g.ids("a_children")); n != 0 {
				t.Errorf("%d children are left", n)
			}
		} else if n := len(g.ids("parents")); n != 2 { // the others do not see it yet
			t.Errorf("%d parents outside of the transaction", n)
		}
		return nil
	}
	if status, out := g.send("DELETE", "/api/collections/parents/records/"+p, ""); status != 204 {
		t.Fatalf("%d %v", status, out)
	}
	r.compare(t, `DeleteRequest:parents{ Delete:parents{ DeleteExecute:parents{
		Delete:a_children{ DeleteExecute:a_children{ Delete:d_grand{ DeleteExecute:d_grand{} } } }
		Update:b_links{ UpdateExecute:b_links{} }
		AfterDeleteSuccess:d_grand{} AfterDeleteSuccess:a_children{} AfterUpdateSuccess:b_links{}
		} } AfterDeleteSuccess:parents{} }`)
	l.compare("delete parents", "delete a_children", "delete d_grand", "update b_links")
	if got := g.stored("b_links", link); got["t"] != "by a hook" || got["updated"] == "" || fmt.Sprint(got["p"]) != "["+q+"]" {
		t.Errorf("the released record is %v", got)
	}
	if n := len(g.ids("a_children")) + len(g.ids("d_grand")); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// TestCascadeThatFails: a required reference, or a hook far inside, aborts all; what had happened is told that it failed.
func TestCascadeThatFails(t *testing.T) {
	for _, c := range []struct {
		name    string
		prepare func(g *rig, r *recorder, p string)
		want    string
		message string
	}{
		{"required reference", func(g *rig, _ *recorder, p string) { g.make("c_required", `{"p":"`+p+`"}`) },
			`DeleteRequest:parents{ Delete:parents{ DeleteExecute:parents{
				Delete:a_children{ DeleteExecute:a_children{ Delete:d_grand{ DeleteExecute:d_grand{} } } }
				Update:b_links{ UpdateExecute:b_links{} }
				AfterDeleteError:d_grand{} AfterDeleteError:a_children{} AfterUpdateError:b_links{} !
			} ! } AfterDeleteError:parents{} ! }`,
			"Failed to delete record. Make sure that the record is not part of a required relation reference."},
		{"a hook of a grandchild", func(_ *rig, r *recorder, _ string) {
			r.after["Delete"] = func(e *writes.RecordEvent, _ *writes.RecordRequestEvent) error {
				if e.Record.Collection.Name == "d_grand" {
					return errNo
				}
				return nil
			}
		},
			`DeleteRequest:parents{ Delete:parents{ DeleteExecute:parents{
				Delete:a_children{ DeleteExecute:a_children{ Delete:d_grand{ DeleteExecute:d_grand{} } AfterDeleteError:d_grand{} ! } ! } AfterDeleteError:a_children{} !
			} ! } AfterDeleteError:parents{} ! }`,
			"Something went wrong while processing your request."},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := newRig(t, nil)
			family(g)
			p := g.make("parents", `{}`)
			child := g.make("a_children", `{"p":"`+p+`"}`)
			g.make("b_links", `{"p":["`+p+`"]}`)
			g.make("d_grand", `{"p":"`+child+`"}`)
			r := record(g.app)
			c.prepare(g, r, p)
			r.taken()
			r.named = true
			l := g.witness("parents", "a_children", "b_links", "d_grand")
			if status, out := g.send("DELETE", "/api/collections/parents/records/"+p, ""); status != 400 || out["message"] != c.message {
				t.Errorf("%d %v", status, out)
			}
			r.compare(t, c.want)
			l.compare()
			for _, collection := range []string{"parents", "a_children", "b_links", "d_grand"} {
				if n := len(g.ids(collection)); n != 1 {
					t.Errorf("%d records in %s", n, collection)
				}
			}
		})
	}
}

// TestHostileCascadeHooks: hooks of cascaded records cannot turn the deletion to others, and what they do to their record
// afterwards reaches nobody.
func TestHostileCascadeHooks(t *testing.T) {
	g := newRig(t, nil)
	family(g)
	p, q := g.make("parents", `{}`), g.make("parents", `{}`)
	g.make("a_children", `{"p":"`+p+`"}`)
	other := g.make("a_children", `{"p":"`+q+`"}`)
	link := g.make("b_links", `{"p":["`+p+`"],"t":"mine"}`)
	l := g.witness("a_children", "b_links")
	g.app.Hooks.OnRecordDelete("a_children").BindFunc(func(e *writes.RecordEvent) error {
		e.Record.Set("id", other)
		return e.Next()
	})
	g.app.Hooks.OnRecordUpdate("b_links").BindFunc(func(e *writes.RecordEvent) error {
		err := e.Next()
		for range 100 {
			e.Record.Set("t", "too late") // while it is announced
		}
		return err
	})
	if status, out := g.send("DELETE", "/api/collections/parents/records/"+p, ""); status != 204 {
		t.Fatalf("%d %v", status, out)
	}
	l.compare("delete a_children", "update b_links")
	if got := g.ids("a_children"); len(got) != 1 || got[0] != other {
		t.Errorf("left are %v", got)
	}
	if got := g.stored("b_links", link); got["t"] != "mine" {
		t.Errorf("the link is %v", got)
	}
}

// TestCascadeOfAnAuthRecord: what belongs to an auth record behaves as cascaded records do.
func TestCascadeOfAnAuthRecord(t *testing.T) {
	g := newRig(t, nil)
	members := g.collection(`{"name":"members","type":"auth","fields":[]}`)
	id := g.make("members", `{"email":"a@example.com","password":"12345678","passwordConfirm":"12345678"}`)
	store := g.app.Store
	for _, c := range []struct {
		collection string
		body       map[string]any
	}{
		{"_externalAuths", map[string]any{"provider": "google", "providerId": "1"}},
		{"_mfas", map[string]any{"method": "password"}},
		{"_authOrigins", map[string]any{"fingerprint": "x"}},
	} {
		c.body["collectionRef"], c.body["recordRef"] = members.ID, id
		of := g.app.Catalogue.Current().Find(c.collection)
		cmd, err := store.PrepareCreate(t.Context(), records.WriteInput{CollectionID: of.ID, SkipRules: true, Body: c.body})
		if err == nil {
			err = g.app.Writes.DoCommand(t.Context(), of, cmd, "test")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r := record(g.app)
	r.named = true
	if status, out := g.send("DELETE", "/api/collections/members/records/"+id, ""); status != 204 {
		t.Fatalf("%d %v", status, out)
	}
	r.compare(t, `DeleteRequest:members{ Delete:members{ DeleteExecute:members{
		Delete:_mfas{ DeleteExecute:_mfas{} } Delete:_externalAuths{ DeleteExecute:_externalAuths{} } Delete:_authOrigins{ DeleteExecute:_authOrigins{} }
		AfterDeleteSuccess:_mfas{} AfterDeleteSuccess:_externalAuths{} AfterDeleteSuccess:_authOrigins{}
		} } AfterDeleteSuccess:members{} }`)
}
