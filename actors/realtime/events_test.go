package realtime_test

import (
	"strings"
	"testing"
)

func TestMessages(t *testing.T) {
	g := newRig(t)
	c := g.docs("")
	s := g.open()
	s.subscribe(nil, "docs/*")
	r := g.create(c, map[string]any{"t": "one", "n": 1, "secret": "x"})
	e := s.next()
	want := `{"record":{"collectionId":"` + c.ID + `","collectionName":"docs","id":"` + r.ID() + `","n":1,"owner":"","t":"one"},"action":"create"}`
	if e.name != "docs/*" || e.data != want {
		t.Errorf("got  %s %s\nwant docs/* %s", e.name, e.data, want)
	}
	r = g.update(r, map[string]any{"t": "two"})
	s.expect("docs/* update two")
	g.update(r, nil)
	s.expect("docs/* update two")
	g.delete(r)
	s.expect("docs/* delete two")
}

func TestTopics(t *testing.T) {
	g := newRig(t)
	c := g.docs("")
	s := g.open()
	for _, text := range []string{"docs/*", "docs", c.ID + "/*", c.ID, "docs/*?", "docs/*?x=1", "docs/rec000000000001", c.ID + "/rec000000000001", "docs/rec000000000001?a"} {
		s.subscribe(nil, "", text, text)
		r := g.create(c, map[string]any{"id": "rec000000000001", "t": "a"})
		s.expect(text + " create a")
		g.delete(r)
		s.expect(text + " delete a")
	}
	s.subscribe(nil, "DOCS/*", "docs/", "docs/**", " docs/*", "docs/*&x", "docs/rec000000000001/x", "nothing", "?", "docs/other")
	g.create(c, map[string]any{"id": "rec000000000001", "t": "unheard"})
	s.subscribe(nil, "docs/*")
	g.create(c, map[string]any{"t": "mark"})
	s.expect("docs/* create mark")
	s.subscribe(nil)
	g.create(c, map[string]any{"t": "left"})
	s.subscribe(nil, "docs")
	g.create(c, map[string]any{"t": "back"})
	s.expect("docs create back")
}

func TestOptions(t *testing.T) {
	g := newRig(t)
	c := g.docs(`@request.headers.x_token = "yes" || @request.query.k = "1.5"`)
	s := g.open()
	for text, heard := range map[string]bool{
		`docs/*`: false,
		`docs/*?options={"headers":{"X-Token":"yes"}}`:                                                  true,
		`docs/*?options=%7B%22query%22%3A%7B%22k%22%3A1.5%7D%7D`:                                        true,
		`docs/*?options={"query":[],"headers":{"X-Token":"yes"}}`:                                       true,
		`docs/*?options={"query":{"k":[1.5]}}`:                                                          false,
		`docs/*?options={broken`:                                                                        false,
		`docs/*?options={"query":{"k":1.5,"filter":"t = 'a'"}}`:                                         true,
		`docs/*?options={"query":{"k":1.5,"filter":"t = 'b'"}}`:                                         false,
		`docs/*?options={"query":{"k":1.5,"filter":"secret = ''"}}`:                                     false,
		`docs/*?options={"query":{"k":1.5,"filter":"t = "}}`:                                            false,
		`docs/*?options={"query":{"k":1.5,"filter":"@request.query.k = '1.5'"}}`:                        false,
		`docs/*?options={"query":{"k":1.5,"filter":"` + strings.Repeat("t = 'a' || ", 5) + `t = 'a'"}}`: true,
	} {
		s.subscribe(nil, text)
		g.create(c, map[string]any{"t": "a"})
		if heard {
			s.expect(text + " create a")
		}
	}
	s.subscribe(nil, `docs/*?options={"query":{"k":1.5,"fields":"t,none"}}`)
	g.create(c, map[string]any{"t": "a"})
	if e := s.next(); e.data != `{"record":{"t":"a"},"action":"create"}` {
		t.Errorf("picked %s", e.data)
	}
}
