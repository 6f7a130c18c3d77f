package programs_test

import (
	"context"
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/app/apptest"
	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/actors/programs"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/validation"
)

// open opens an application with a collection of notes that nobody but superusers may touch.
func open(t testing.TB) *app.App {
	t.Helper()
	a := apptest.Open(t)
	c, err := schema.DecodeNew([]byte(`{"name":"notes","type":"base","fields":[{"name":"t","type":"text","max":5},{"name":"n","type":"number"}]}`))
	if err == nil {
		err = a.Catalogue.Change(t.Context(), catalogue.Change{Create: c})
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// note stores a note.
func note(t testing.TB, a *app.App, text string, n float64) *records.Record {
	t.Helper()
	r, err := a.Records.New("notes")
	if err == nil {
		r.Set("t", text)
		r.Set("n", n)
		err = a.Records.Save(t.Context(), r)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSearches(t *testing.T) {
	a := open(t)
	for i, text := range []string{"a", "b", "c", "d"} {
		note(t, a, text, float64(i))
	}
	for _, c := range []struct {
		name string
		find programs.Find
		want string
		all  int // that match, limit aside
	}{
		{"all", programs.Find{Sort: "t"}, "abcd", 4},
		{"filter", programs.Find{Filter: "n > {:n}", Params: map[string]any{"n": 1}, Sort: "-t"}, "dc", 2},
		{"limit", programs.Find{Sort: "t", Limit: 2, Offset: 1}, "bc", 4},
		{"none", programs.Find{Filter: "n > 10"}, "", 0},
	} {
		list, err := a.Records.FindAll(t.Context(), "notes", c.find)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		got := ""
		for _, r := range list {
			got += r.Text("t")
		}
		n, err := a.Records.Count(t.Context(), "notes", c.find)
		if got != c.want || n != c.all || err != nil {
			t.Errorf("%s: found %q, counted %d, %v", c.name, got, n, err)
		}
		first, err := a.Records.FindFirst(t.Context(), "notes", c.find)
		if c.want == "" {
			if !errors.Is(err, records.ErrNotFound) {
				t.Errorf("%s: the first is %v, %v", c.name, first, err)
			}
		} else if err != nil || first.Text("t") != c.want[:1] {
			t.Errorf("%s: the first is %v, %v", c.name, first, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	a, ctx := open(t), t.Context()
	missing := note(t, a, "x", 1)
	if err := a.Records.Delete(ctx, missing); err != nil {
		t.Fatal(err)
	}
	long := note(t, a, "y", 1)
	long.Set("t", "too long")
	for name, c := range map[string]struct {
		do   func() error
		want error
	}{
		"no such collection": {func() error { _, err := a.Records.New("none"); return err }, records.ErrNoCollection},
		"find in none":       {func() error { _, err := a.Records.FindAll(ctx, "none", programs.Find{}); return err }, records.ErrNoCollection},
		"count in none":      {func() error { _, err := a.Records.Count(ctx, "none", programs.Find{}); return err }, records.ErrNoCollection},
		"no such record":     {func() error { _, err := a.Records.FindByID(ctx, "notes", missing.ID()); return err }, records.ErrNotFound},
		"deleted twice":      {func() error { return a.Records.Delete(ctx, missing) }, records.ErrNotFound},
		"bad filter":         {func() error { _, err := a.Records.FindAll(ctx, "notes", programs.Find{Filter: "("}); return err }, records.ErrQuery},
	} {
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var fields validation.Errors
	if err := a.Records.Save(ctx, long); !errors.As(err, &fields) || fields["t"] == nil {
		t.Errorf("a text that is too long: %v", err)
	}
}

// TestReadsInATransaction: a program sees there what it has written, others do not, and nothing is left when it fails.
func TestReadsInATransaction(t *testing.T) {
	a := open(t)
	failed := errors.New("no")
	err := a.Records.RunInTransaction(t.Context(), func(ctx context.Context) error {
		r, err := a.Records.New("notes")
		if err != nil {
			return err
		}
		if err := a.Records.Save(ctx, r); err != nil {
			return err
		}
		if _, err := a.Records.FindByID(ctx, "notes", r.ID()); err != nil {
			return err
		}
		for in, want := range map[context.Context]int{ctx: 1, t.Context(): 0} {
			if n, err := a.Records.Count(in, "notes", programs.Find{}); n != want || err != nil {
				t.Errorf("counted %d, wanted %d: %v", n, want, err)
			}
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if n, err := a.Records.Count(t.Context(), "notes", programs.Find{}); n != 0 || err != nil {
		t.Errorf("%d records are left: %v", n, err)
	}
}
