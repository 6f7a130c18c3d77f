package catalogue_test

import (
	"errors"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/app/apptest"
	"github.com/troupebase/troupe/actors/catalogue"
	"github.com/troupebase/troupe/internal/eventually"
	"github.com/troupebase/troupe/storage/schema"
)

// TestChangesByValue: each kind of change does what it says, counts once it returned, and is seen under a new number.
func TestChangesByValue(t *testing.T) {
	a := apptest.Open(t)
	before := a.Catalogue.Current()
	fresh, err := schema.DecodeNew([]byte(docs))
	if err != nil {
		t.Fatal(err)
	}
	change := func(what string, c catalogue.Change) *schema.Catalogue {
		t.Helper()
		number := a.Catalogue.Current().Number
		if err := a.Catalogue.Change(t.Context(), c); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		now := a.Catalogue.Current()
		if now.Number <= number {
			t.Errorf("%s: the number went from %d to %d", what, number, now.Number)
		}
		return now
	}
	made := change("create", catalogue.Change{Create: fresh}).Find("docs")
	if made == nil || before.Find("docs") != nil {
		t.Fatal("create: not made, or made in the catalogue before")
	}
	put := made.Clone()
	put.Name = "papers"
	if change("put", catalogue.Change{Put: put}).Find("papers") == nil || made.Name != "docs" {
		t.Error("put: no other name, or one in the definition before")
	}
	updated := change("update", catalogue.Change{Update: made.ID, Definition: []byte(`{"listRule":null}`)}).Find("papers")
	if updated == nil || updated.ListRule != nil || updated.ViewRule == nil {
		t.Errorf("update: %+v", updated)
	}
	if change("delete", catalogue.Change{Delete: made.ID}).Find("papers") != nil {
		t.Error("delete: it is still there")
	}
	if err := a.Catalogue.Import(t.Context(), []byte(`[{"name":"other","type":"base"}]`), false); err != nil || a.Catalogue.Current().Find("other") == nil {
		t.Errorf("import: %v", err)
	}
}

// TestRefusedChanges leave the catalogue as it is.
func TestRefusedChanges(t *testing.T) {
	a := apptest.Open(t)
	before := a.Catalogue.Current()
	for name, c := range map[string]struct {
		change catalogue.Change
		want   error
	}{
		"nothing":        {catalogue.Change{}, catalogue.ErrNoChange},
		"update of none": {catalogue.Change{Update: "none", Definition: []byte(`{}`)}, schema.ErrNotFound},
		"delete of none": {catalogue.Change{Delete: "none"}, schema.ErrNotFound},
	} {
		if err := a.Catalogue.Change(t.Context(), c.change); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := a.Catalogue.Import(t.Context(), []byte(`{`), true); err == nil {
		t.Error("an import of half a list passed")
	}
	if a.Catalogue.Current() != before {
		t.Error("the catalogue was replaced")
	}
}

// TestForeignWriteWhileOpening: what another process writes while the directory is opened is not forgotten.
func TestForeignWriteWhileOpening(t *testing.T) {
	a := app.New(app.Options{Dir: t.TempDir()})
	a.Catalogue.Foreign()
	if err := a.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually.True(t, "the file is read again", func() bool { return a.Catalogue.Current().Number > 1 })
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
