package records_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/troupebase/troupe/storage/budget"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/records/expand"
	"github.com/troupebase/troupe/storage/sqlite"
)

// newMesh has records of a and b that name one another: 40 of b name 20 of the 400 of a each.
func newMesh(t *testing.T, text int) *rig {
	g := newRig(t, `{"type":"base","name":"a","listRule":"","viewRule":"n != 13","fields":[{"type":"number","name":"n"},{"type":"text","name":"t","max":100000}]}`)
	g.define(fmt.Sprintf(`{"type":"base","name":"b","listRule":"","viewRule":"","fields":[{"type":"relation","name":"a","maxSelect":99,"collectionId":%q}]}`, g.catalogue.Load().Find("a").ID))
	g.exec("INSERT INTO a (id, n, t) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 400) SELECT printf('a%014d', i), i, hex(zeroblob(" + fmt.Sprint(text/2) + ")) FROM c")
	g.exec(`INSERT INTO b (id, a) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < 40) SELECT printf('b%014d', i),
		(SELECT json_group_array(printf('a%014d', (i*7+k*13)%400+1)) FROM (WITH RECURSIVE d(k) AS (SELECT 0 UNION ALL SELECT k+1 FROM d WHERE k < 19) SELECT k FROM d)) FROM c`)
	return g
}

// list is a page of a for somebody who is not signed in.
func (g *rig) list(ctx context.Context, perPage int, expand string) ([]byte, error) {
	in := &records.ListInput{CollectionID: g.catalogue.Load().Find("a").ID, Caller: anyone(false), Page: 1, PerPage: perPage, Sort: "n", Expand: expand}
	out, _, err := g.store.List(ctx, nil, in)
	return out, err
}

func TestExpandIsBounded(t *testing.T) {
	if raceDetector {
		t.Skip("under the race detector so many records take longer than an expand may")
	}
	const deep = "b_via_a.a.b_via_a.a.b_via_a.a"
	var many []string
	for i := range expand.MaxPaths + 1 {
		many = append(many, fmt.Sprint("b_via_a.x", i))
	}
	for _, x := range []struct {
		name          string
		text, perPage int
		expand, limit string
	}{
		{"paths", 2, 1, strings.Join(many, ","), "50 paths"},
		{"most paths", 2, 1, strings.Join(many[1:], ","), ""},
		{"records", 2, 30, deep, "100000 records"},
		{"bytes", 20_000, 120, "b_via_a.a.b_via_a", "32 MiB"},
		{"bytes of what is only read", 90_000, 30, "b_via_a.a", "32 MiB"},
		{"two steps", 2, 400, "b_via_a.a", ""},
	} {
		t.Run(x.name, func(t *testing.T) {
			g := newMesh(t, x.text)
			before := allocated()
			out, err := g.list(t.Context(), x.perPage, x.expand)
			taken := allocated() - before
			var limit *expand.LimitError
			switch {
			case x.limit == "" && err != nil:
				t.Error(err)
			case x.limit != "" && (!errors.As(err, &limit) || !strings.Contains(err.Error(), x.limit) || len(out) > 0):
				t.Errorf("%d bytes and %v, want a limit of %s", len(out), err, x.limit)
			case taken > 12*expand.MaxBytes:
				t.Errorf("%d MiB were allocated", taken>>20)
			}
		})
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// A record that was written is answered whatever there is to expand, without what goes beyond a limit.
func TestWrittenRecordIsAnsweredWithoutTooLargeAnExpand(t *testing.T) {
	g := newMesh(t, 20_000)
	r := g.load("a", "a00000000000010")
	for param, want := range map[string]bool{"b_via_a": true, "b_via_a.a.b_via_a.a.b_via_a.a": false, strings.Repeat("b_via_a,", expand.MaxPaths) + "b_via_a": false} {
		out, err := g.store.Answer(t.Context(), nil, r, &records.AnswerInput{Caller: anyone(false), Expand: param})
		if err != nil {
			t.Fatal(err)
		}
		var got shown
		if err := json.Unmarshal(out, &got); err != nil || got.ID != r.ID() || (got.Expand != nil) != want {
			t.Errorf("%.40s: %.200s, %v", param, out, err)
		}
	}
}

// An expand ends with the request that it belongs to.
func TestExpandEnds(t *testing.T) {
	g := newMesh(t, 2)
	asked := 0
	ctx := expand.WithGone(t.Context(), func() bool { asked++; return asked > 3 })
	if _, err := g.list(ctx, 20, "b_via_a.a.b_via_a.a"); !errors.Is(err, sqlite.ErrInterrupted) {
		t.Errorf("after its client had left: %v", err)
	}
}

// A back relation shows a thousand records of many, and no more of them are kept.
func TestBackRelationKeepsWhatItShows(t *testing.T) {
	if raceDetector {
		t.Skip("under the race detector so many records take longer than an expand may")
	}
	g := newRig(t, `{"type":"base","name":"a","viewRule":"","listRule":"","fields":[{"type":"number","name":"n"}]}`)
	g.define(fmt.Sprintf(`{"type":"base","name":"b","viewRule":"","fields":[{"type":"relation","name":"a","maxSelect":1,"collectionId":%q}]}`, g.catalogue.Load().Find("a").ID))
	g.exec("INSERT INTO a (id, n) VALUES (?, 1), (?, 2)", ann, bob)
	g.exec("INSERT INTO b (id, a) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM c WHERE i < ?) SELECT printf('b%014d', i), ? FROM c", expand.MaxRecords+500, ann)
	g.exec("INSERT INTO b (id, a) VALUES ('zzzzzzzzzzzzzzz', ?)", bob)
	out, err := g.list(t.Context(), 30, "b_via_a")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), `"collectionName":"b"`); n != expand.MaxBackRelated+1 {
		t.Errorf("%d back-related records are shown, want %d and one", n, expand.MaxBackRelated)
	}
}

// A record that an answer has in several places is the same in all of them as it would be alone.
func TestExpandsOfOneRecordAreAlike(t *testing.T) {
	g := newMesh(t, 2)
	path := []string{"b_via_a", "a", "b_via_a", "a"}
	got := g.tree("a", "a00000000000010", path, len(path))
	want := g.tree("a", "a00000000000010", path, 1)
	if !reflect.DeepEqual(got, want) {
		t.Error("six steps at once are not what the steps are one by one")
	}
}

// tree is a record with the steps of a path below it, of which so many are asked for at once.
func (g *rig) tree(collection, id string, path []string, atOnce int) map[string]any {
	g.t.Helper()
	in := &records.ViewInput{CollectionID: g.catalogue.Load().Find(collection).ID, ID: id, Caller: anyone(false), Expand: strings.Join(path[:min(atOnce, len(path))], ".")}
	out, err := g.store.View(g.t.Context(), nil, in)
	if err != nil {
		g.t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(out, &tree); err != nil {
		g.t.Fatal(err)
	}
	if len(path) <= atOnce || tree["expand"] == nil {
		return tree
	}
	list, _ := tree["expand"].(map[string]any)[path[0]].([]any)
	for i, child := range list {
		child := child.(map[string]any)
		list[i] = g.tree(child["collectionName"].(string), child["id"].(string), path[1:], atOnce)
	}
	return tree
}

// What an expand keeps is charged to its client, and given back with the answer.
func TestExpandIsCharged(t *testing.T) {
	g := newMesh(t, 20_000)
	share := budget.Given(1600<<20).Share("rows", 10, 50) // 40 MiB, of which one client gets 20
	g.open(records.Options{Rows: share})
	ctx := budget.WithClient(t.Context(), "192.0.2.1")
	if _, err := g.list(ctx, 10, "b_via_a.a"); err != nil {
		t.Fatal(err)
	}
	var limit *expand.LimitError
	if _, err := g.list(ctx, 100, "b_via_a.a"); !errors.As(err, &limit) || !strings.Contains(err.Error(), "20 MiB") {
		t.Errorf("more than a client's part: %v", err)
	}
	if err := share.Take("192.0.2.1", 18<<20); err != nil {
		t.Fatal(err)
	}
	var full *budget.FullError
	if _, err := g.list(ctx, 10, "b_via_a.a"); !errors.As(err, &full) || !full.Client {
		t.Errorf("beside other answers: %v", err)
	}
	share.Give("192.0.2.1", 18<<20)
	if u := share.Usage(); u.Used != 0 || u.Clients != 0 || u.Refused == 0 {
		t.Errorf("after the answers the share has %+v", u)
	}
	if err := share.Take("192.0.2.2", 18<<20); err != nil {
		t.Fatal(err)
	}
	r := g.load("a", "a00000000000010")
	if err := share.Take("192.0.2.1", 20<<20); err != nil {
		t.Fatal(err)
	}
	out, err := g.store.Answer(ctx, nil, r, &records.AnswerInput{Caller: anyone(false), Expand: "b_via_a.a"})
	if err != nil || strings.Contains(string(out), "expand") {
		t.Errorf("the answer to a write without room: %.100s, %v", out, err)
	}
}
