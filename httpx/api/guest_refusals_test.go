package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"

	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/actors/writes"
	"github.com/troupebase/troupe/storage/validation"
)

// saveAs saves a new record of a JSON object.
func saveAs(ctx context.Context, a *app.App, collection, values string) error {
	r, err := a.Records.New(collection)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal([]byte(values), &fields); err != nil {
		return err
	}
	for name, v := range fields {
		r.Set(name, v)
	}
	return a.Records.Save(ctx, r)
}

// nestedRefusals are what refuses a write, and what the client is answered.
var nestedRefusals = []struct {
	name    string
	inner   string // the body of what the innermost write creates in "c"
	refuse  func(e *writes.RecordEvent) error
	status  int
	message string
	data    map[string]any
}{
	{"a guest's", with("", "record.create<|reject|409|Sold out."), nil, 409, "Sold out.", map[string]any{}},
	{"a guest's, with a field", with("", "record.create<|field|title|sold_out|None left.", "record.create<|reject|422|Sold out."), nil, 422, "Sold out.",
		map[string]any{"title": map[string]any{"code": "sold_out", "message": "None left."}}},
	{"not found", with("", "record.create<|reject|404|Gone."), nil, 404, "Gone.", map[string]any{}},
	{"forbidden", with("", "record.create<|reject|403|Never."), nil, 403, "Never.", map[string]any{}},
	{"the check's", `{"slug":"longer than twenty characters"}`, nil, 400, "", map[string]any{"slug": map[string]any{
		"code": "validation_max_text_constraint", "message": "Must be no more than 20 character(s).", "params": map[string]any{"max": 20.0}}}},
	{"a program's", `{}`, func(*writes.RecordEvent) error {
		return &hooks.Rejection{Status: 418, Message: "A teapot.", Fields: validation.Errors{"a": validation.Errors{"b": validation.New("c", "In a tree.")}}}
	}, 418, "A teapot.", map[string]any{"a": map[string]any{"b": map[string]any{"code": "c", "message": "In a tree."}}}},
}

// A refusal of what an extension writes is answered with its own status, message and fields when each level passes it on, whoever refused and whoever
// is between.
func TestNestedRefusals(t *testing.T) {
	nest := func(collection, body string) string {
		return "record.create<|create|1|" + collection + "|" + body + "|"
	}
	const pass = "record.create<|pass"
	for _, program := range []bool{false, true} {
		g := newGuests(t, "probe", "second")
		for _, name := range []string{"a", "b", "c"} {
			g.posts(name)
		}
		var refuse func(e *writes.RecordEvent) error
		g.app.Hooks.OnRecordCreate("c").BindFunc(func(e *writes.RecordEvent) error {
			if refuse != nil {
				return refuse(e)
			}
			return e.Next()
		})
		var inner string
		if program { // in the place of the guest between
			g.app.Hooks.OnRecordCreate("b").BindFunc(func(e *writes.RecordEvent) error {
				if err := saveAs(e.Context(), g.app, "c", inner); err != nil {
					return fmt.Errorf("save c: %w", err)
				}
				return e.Next()
			})
		}
		for _, test := range nestedRefusals {
			t.Run(fmt.Sprintf("%s, program %v", test.name, program), func(t *testing.T) {
				refuse, inner = test.refuse, test.inner
				middle := with("", nest("c", test.inner), pass)
				if program {
					middle = `{}`
				}
				status, out := g.send("POST", "/api/collections/a/records", with("", nest("b", middle), "record.create<|status", pass))
				said := g.log.told()
				if status != test.status || test.message != "" && out["message"] != test.message || !reflect.DeepEqual(out["data"], test.data) {
					t.Errorf("%d %v\n%q", status, out, said)
				}
				if g.count("a")+g.count("b")+g.count("c") != 0 {
					t.Error("something was written")
				}
			})
		}
	}
}
