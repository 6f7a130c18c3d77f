package filter_test

import (
	"testing"
	"time"

	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/schema"
)

// newRuleWorld holds what the recorded rule cases use: members who sign in, their favourite authors and posts, and the
// collection rc, whose record upd is updated.
func newRuleWorld(t testing.TB) *world {
	t.Helper()
	members := collection(t, "members", field(t, "password", "password", `"hidden":true`), field(t, "email", "email"), field(t, "bool", "emailVisibility"),
		field(t, "bool", "verified"), field(t, "text", "nick"), field(t, "number", "level"), field(t, "bool", "vip"),
		field(t, "select", "roles", `"values":["r1","r2","r3"]`, `"maxSelect":3`), field(t, "json", "prefs"), field(t, "text", "boss", `"hidden":true`),
		field(t, "date", "born"), relation(t, "fav", "authors", "1"), relation(t, "posts", "posts", "9"))
	members.Type = schema.Auth
	view := collection(t, "pv", field(t, "text", "title"), field(t, "text", "gone"), field(t, "number", "dbl"), relation(t, "author", "authors", "1"))
	view.Type = schema.View
	view.ViewQuery = "SELECT id, nullif(title, '') AS title, NULL AS gone, views * 2 AS dbl, author FROM posts"
	all := []*schema.Collection{
		collection(t, "authors", field(t, "text", "name"), field(t, "number", "age")),
		collection(t, "tags", field(t, "text", "name"), field(t, "number", "rank")),
		collection(t, "posts", field(t, "text", "title"), field(t, "number", "views"), field(t, "text", "secret", `"hidden":true`),
			relation(t, "author", "authors", "1"), relation(t, "tags", "tags", "9")),
		collection(t, "comments", field(t, "text", "text"), field(t, "number", "likes"), relation(t, "post", "posts", "1"), relation(t, "hid", "posts", "1")),
		collection(t, "notes", relation(t, "by", "members", "1")),
		members,
		collection(t, "rc", field(t, "text", "title"), field(t, "number", "n"), field(t, "bool", "b"), field(t, "select", "s", `"values":["x","y","z"]`, `"maxSelect":1`),
			field(t, "select", "sm", `"values":["x","y","z","R&D"]`, `"maxSelect":4`), field(t, "json", "j"), field(t, "geoPoint", "g"), field(t, "date", "d"),
			field(t, "text", "h", `"hidden":true`), relation(t, "r", "authors", "1"), relation(t, "rm", "authors", "3"), field(t, "file", "f", `"maxSelect":1`),
			field(t, "file", "fm", `"maxSelect":3`), field(t, "text", "ag"), field(t, "autodate", "created")),
		view,
	}
	hidden := all[3].Field("hid").Base()
	hidden.Hidden = true
	return openWorld(t, all, `
INSERT INTO authors (id, name, age) VALUES ('ann','ann',30), ('bob','bob',25), ('cid','cid',0);
INSERT INTO tags (id, name, rank) VALUES ('go','go',1), ('db','db',2), ('web','web',3);
INSERT INTO posts (id, title, views, secret, author, tags) VALUES ('A','Alpha',10,'s1','ann','["go","db"]'), ('B','beta',0,'','','[]'),
 ('C','100% Gamma_x',-5.5,'s2','bob','["db"]'), ('D','D',1000,'','ann','["go","db","web"]'), ('E','',10,'','cid','["web"]');
INSERT INTO comments (id, text, likes, post) VALUES ('c1','first',1,'A'), ('c2','second',5,'A'), ('c3','first',3,'C'), ('c4','',0,'D');
INSERT INTO members (id, email, emailVisibility, verified, password, nick, level, vip, roles, prefs, boss, fav, posts) VALUES
 ('m1','m1@example.com',0,1,'hash','Mia',5,1,'["r1","r2"]','{"z":1,"a":{"b":2},"list":[7,8]}','x','ann','["A","D"]'),
 ('m2','m2@example.com',1,0,'hash','',0,0,'[]',NULL,'','','[]'),
 ('m3','',0,0,'hash','%',10,0,'["r3"]','"text"','','cid','["E"]');
INSERT INTO notes (id, by) VALUES ('n1','m1'), ('n2','m2');
INSERT INTO rc (id, title, n, b, s, sm, j, g, d, h, r, rm) VALUES
 ('upd','old',5,1,'x','["x","R\u0026D"]','{"z":1,"a":"<&>"}','{"lon":1,"lat":2}','2024-01-01 00:00:00.000Z','hid','ann','["ann","bob"]');
`)
}

// member is a request of the member with that id, of a guest for "". The record's values are at hand or not.
func (w *world) member(t testing.TB, id string, values bool) *filter.Request {
	t.Helper()
	source := snapshot(map[string]string{"q": "1", "t": "Alpha", "v": "10", "e": "", "views": "10", "wild": "a%"}, map[string]string{"X-Foo": "Bar"})
	req := &filter.Request{Context: "default", Method: "GET", Source: source, Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	if id == "" {
		return req
	}
	members := w.cat.Find("members")
	stored := w.row(t, members, id)
	req.Auth = &filter.Identity{Collection: members, ID: id, Email: stored["email"].(string), EmailVisibility: stored["emailVisibility"].(bool), Verified: stored["verified"].(bool)}
	if values {
		req.Auth.Value = func(name string) (schema.Value, bool) { v, ok := stored[name]; return v, ok }
	}
	return req
}

// row reads a stored record.
func (w *world) row(t testing.TB, c *schema.Collection, id string) map[string]schema.Value {
	t.Helper()
	columns := ""
	for i, f := range c.Fields {
		if i > 0 {
			columns += ", "
		}
		columns += "`" + f.Base().Name + "`"
	}
	stmt, _, err := w.conn.PrepareTransient("SELECT " + columns + " FROM `" + c.Name + "` WHERE id = ?")
	if err != nil {
		t.Fatal(err)
	}
	defer stmt.Finalize()
	stmt.BindText(1, id)
	if more, err := stmt.Step(); err != nil || !more {
		t.Fatalf("%s has no record %s: %v", c.Name, id, err)
	}
	row := make(map[string]schema.Value, len(c.Fields))
	for i, f := range c.Fields {
		if row[f.Base().Name], err = f.Scan(stmt, i); err != nil {
			t.Fatal(err)
		}
	}
	return row
}

// submit makes a request with a body: known fields are cast, as they are before rules run.
func submit(c *schema.Collection, body map[string]any) *filter.Request {
	cast := make(map[string]any, len(body))
	for name, v := range body {
		if f := c.Field(name); f != nil && !isUpload(v) {
			v = f.Cast(v)
		}
		cast[name] = v
	}
	return &filter.Request{Context: "default", Method: "POST", Body: cast}
}

func isUpload(v any) bool {
	switch v.(type) {
	case filter.Upload, []filter.Upload:
		return true
	}
	return false
}

// created is the record that a body makes, with a temporary id.
func created(c *schema.Collection, req *filter.Request) []schema.Value {
	values := make([]schema.Value, len(c.Fields))
	for i, f := range c.Fields {
		values[i] = f.Zero()
		switch v := req.Body[f.Base().Name].(type) {
		case nil:
		case filter.Upload:
			values[i] = v.Name
		case []filter.Upload:
			names := make([]string, len(v))
			for k, u := range v {
				names[k] = u.Name
			}
			values[i] = names
		default:
			values[i] = v
		}
		if f.Base().Name == "id" && values[i] == "" {
			values[i] = "temporary000000"
		}
	}
	return values
}
