package troupe_test

import (
	"context"
	"fmt"

	"github.com/troupebase/troupe"
)

// A program makes the collections that it needs when it starts, and changes one later.
func ExampleApp_SaveCollection() {
	app, done := open(func(*troupe.App) {})
	defer done()

	ctx := context.Background()
	notes, err := troupe.ParseCollection([]byte(`{"name": "notes", "type": "base", "fields": [{"name": "text", "type": "text"}]}`))
	check(err)
	check(app.SaveCollection(ctx, notes))

	stored, err := app.FindCollection("notes")
	check(err)
	changed := stored.Clone()
	everyone := ""
	changed.ListRule = &everyone
	check(app.SaveCollection(ctx, changed))

	stored, err = app.FindCollection("notes")
	check(err)
	fmt.Println(stored.Name, stored.Field("text").Type(), *stored.ListRule == "")
	// Output: notes text true
}

// The collections of a list are made or changed together, as the import of the API does.
func ExampleApp_ImportCollections() {
	app, done := open(func(*troupe.App) {})
	defer done()

	check(app.ImportCollections(context.Background(), []byte(`[
		{"id": "teams", "name": "teams", "type": "base", "fields": [{"name": "name", "type": "text"}]},
		{"id": "players", "name": "players", "type": "base", "fields": [
			{"name": "team", "type": "relation", "collectionId": "teams", "maxSelect": 1}]}]`), false))
	for _, c := range app.Collections() {
		if !c.System {
			fmt.Println(c.Name)
		}
	}
	// Unordered output:
	// users
	// posts
	// logs
	// teams
	// players
}

// Settings are changed, and whoever watches them is told.
func ExampleApp_SaveSettings() {
	app, done := open(func(*troupe.App) {})
	defer done()

	app.WatchSettings(func() { fmt.Println("changed") })
	_, err := app.SaveSettings(context.Background(), func(s *troupe.Settings) error {
		s.Meta.AppName = "Notes"
		return nil
	})
	check(err)
	fmt.Println(app.Settings().Meta.AppName)
	// Output:
	// changed
	// Notes
}
