package api_test

import (
	"testing"
)

// A form makes and changes collections and settings, and leaves rules that it does not name null.
func TestDefinitionsAsForms(t *testing.T) {
	g := newRig(t, nil)
	token := g.superuser()
	form := func(method, path, body string, want int) map[string]any {
		t.Helper()
		status, out := g.sendTyped(token, "application/x-www-form-urlencoded", method, path, body)
		if status != want {
			t.Fatalf("%s %s: %d %v", method, path, status, out)
		}
		return out
	}
	made := form("POST", "/api/collections?fields=id,name,listRule,viewRule,fields", "name=made&type=base&viewRule=&fields="+`%5B%7B%22name%22%3A%22a%22%2C%22type%22%3A%22text%22%7D%5D`, 200)
	if made["name"] != "made" || made["listRule"] != nil || made["viewRule"] != "" || len(made["fields"].([]any)) != 2 {
		t.Errorf("made: %v", made)
	}
	changed := form("PATCH", "/api/collections/made", "name=changed&indexes=CREATE+INDEX+ix+ON+changed+(a)", 200)
	if changed["name"] != "changed" || changed["listRule"] != nil || changed["viewRule"] != "" || len(changed["indexes"].([]any)) != 1 {
		t.Errorf("changed: %v", changed)
	}
	form("PUT", "/api/collections/import", "deleteMissing=true&collections="+`%5B%7B%22name%22%3A%22other%22%7D%5D`, 204)
	if g.app.Catalogue.Current().Find("changed") != nil || g.app.Catalogue.Current().Find("other") == nil {
		t.Error("the import did not count")
	}
	form("PATCH", "/api/collections/other", "name=&system=maybe", 400)
	conf := form("PATCH", "/api/settings", "logs.maxDays=3&meta.appName=12", 200)
	if conf["logs"].(map[string]any)["maxDays"] != 3.0 || conf["meta"].(map[string]any)["appName"] != "12" {
		t.Errorf("settings: %v", conf)
	}
	form("PATCH", "/api/settings", "logs.maxDays=x", 400)
}
