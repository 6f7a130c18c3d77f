package writes_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/storage/filter"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/sqlite"
)

// define makes collections of definitions in JSON and returns the last one. "@name" stands for the id of a collection.
func define(t testing.TB, a *app.App, definitions ...string) (c *schema.Collection) {
	t.Helper()
	for _, d := range definitions {
		for _, known := range a.Catalogue.Current().Collections {
			d = strings.ReplaceAll(d, `"@`+known.Name+`"`, `"`+known.ID+`"`)
		}
		err := a.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) (err error) {
			if c, err = schema.DecodeNew([]byte(d)); err != nil {
				return err
			}
			return ch.Create(c)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return a.Catalogue.Current().ByID(c.ID)
}

// counters is a collection of counters with a text.
const counters = `{"name":"counters","type":"base","fields":[{"name":"n","type":"number"},{"name":"m","type":"number"},{"name":"t","type":"text","max":50}]}`

func input(a *app.App, c *schema.Collection, body map[string]any) records.WriteInput {
	return records.WriteInput{
		CollectionID: c.ID, Body: body, SkipRules: true,
		Caller: records.Caller{Request: &filter.Request{Context: "default", Method: "POST"}},
	}
}

// add creates a record, with hooks.
func add(ctx context.Context, a *app.App, c *schema.Collection, body map[string]any) (*records.Record, error) {
	cmd, err := a.Store.PrepareCreate(ctx, input(a, c, body))
	if err == nil {
		err = a.Writes.DoCommand(ctx, c, cmd, "test")
	}
	return cmd.Result, err
}

// change updates a record, with hooks.
func change(ctx context.Context, a *app.App, c *schema.Collection, id string, body map[string]any) error {
	cmd, err := a.Store.PrepareUpdate(ctx, id, input(a, c, body))
	if err != nil {
		return err
	}
	return a.Writes.DoCommand(ctx, c, cmd, "test")
}

// remove deletes a record, with hooks.
func remove(ctx context.Context, a *app.App, c *schema.Collection, id string) error {
	cmd, err := a.Store.PrepareDelete(id, input(a, c, nil))
	if err != nil {
		return err
	}
	return a.Writes.DoCommand(ctx, c, cmd, "test")
}

// find reads a record as the chain sees it, nil when there is none.
func find(t testing.TB, ctx context.Context, a *app.App, c *schema.Collection, id string) (r *records.Record) {
	t.Helper()
	err := a.Writes.Look(ctx)(func(p records.Preparer) (err error) {
		r, err = records.Find(p, c, id)
		return err
	})
	if err != nil && !errors.Is(err, records.ErrNotFound) {
		t.Errorf("find: %v", err)
	}
	return r
}

// count counts the committed records of a collection.
func count(t testing.TB, a *app.App, c *schema.Collection) (n int) {
	t.Helper()
	err := a.DB.Read(context.Background(), func(r *sqlite.Reader) error {
		s, err := r.Prepare("SELECT count(*) FROM `" + c.Name + "`")
		if err != nil {
			return err
		}
		if _, err := s.Step(); err != nil {
			return err
		}
		n = s.ColumnInt(0)
		return s.Reset()
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mustAdd creates a record and returns its id.
func mustAdd(t testing.TB, a *app.App, c *schema.Collection, body map[string]any) string {
	t.Helper()
	r, err := add(context.Background(), a, c, body)
	if err != nil {
		t.Fatal(err)
	}
	return r.ID()
}
