package catalogue_test

import (
	"context"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/storage/schema"
)

// define makes a collection of a definition in JSON.
func define(t testing.TB, a *app.App, definition string) (c *schema.Collection) {
	t.Helper()
	err := a.Catalogue.ChangeFunc(context.Background(), func(ch *schema.Change) (err error) {
		if c, err = schema.DecodeNew([]byte(definition)); err != nil {
			return err
		}
		return ch.Create(c)
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Catalogue.Current().ByID(c.ID)
}
