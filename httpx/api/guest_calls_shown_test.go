package api_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupebase/troupe/httpx/api"
)

// TestCallsAndSuperusers: they list, show, replay and discard calls; nobody else sees any.
func TestCallsAndSuperusers(t *testing.T) {
	g := newCalls(t, "after_broken")
	for i := range 3 {
		g.create(fmt.Sprint("bad ", i))
	}
	long := strings.Repeat("x", api.MaxListedRecord)
	_, out := g.send("POST", "/api/collections/posts/records", `{"title":"bad","script":"`+long[:4000]+`"}`)
	if out["id"] == nil {
		t.Fatal(out)
	}
	root := g.superuser()
	_, kept := g.kept("")
	path := "/api/extensions/calls/" + kept[0]["id"].(string)
	for _, who := range []struct {
		token  string
		status int
	}{{"", 401}, {g.token("people", "a@example.com"), 403}} {
		for _, call := range [][2]string{{"GET", "/api/extensions"}, {"GET", "/api/extensions/calls"}, {"GET", path}, {"POST", path + "/replay"}, {"POST", "/api/extensions/calls/replay"}, {"DELETE", path}} {
			if status, out := g.sendAs(who.token, call[0], call[1], ""); status != who.status || out["data"] == nil || len(out) != 3 {
				t.Errorf("%v by %d: %d %v", call, who.status, status, out)
			}
		}
	}
	if total, page := g.kept("?page=2&perPage=3"); total != 4 || len(page) != 1 || page[0]["id"] != kept[3]["id"] {
		t.Errorf("page 2: %v", page)
	}
	if total, page := g.kept("?page=9223372036854775807&perPage=500"); total != 4 || len(page) != 0 {
		t.Errorf("the last page: %v", page)
	}
	for _, query := range []string{"?state=givenUp", "?extension=other"} {
		if total, page := g.kept(query); total != 0 || len(page) != 0 {
			t.Errorf("%s: %v", query, page)
		}
	}
	if status, out := g.sendAs(root, "GET", path, ""); status != 200 || out["record"].(map[string]any)["title"] != "bad 0" {
		t.Errorf("%d %v", status, out)
	}
	refusedRequestsAboutCalls(t, g, root)
	if status, _ := g.sendAs(root, "DELETE", path, ""); status != 204 {
		t.Errorf("discard: %d", status)
	}
	if total, left := g.kept(""); total != 3 || left[0]["id"] == kept[0]["id"] {
		t.Errorf("%d left", total)
	}
	attempts := func() float64 {
		_, out := g.sendAs(root, "GET", "/api/extensions/calls/"+kept[1]["id"].(string), "")
		return out["attempts"].(float64)
	}
	told := len(g.toldRows())
	if status, _ := g.sendAs(root, "POST", "/api/extensions/calls/"+kept[1]["id"].(string)+"/replay", ""); status != 204 {
		t.Errorf("replay: %d", status)
	}
	eventually(t, "it is tried again", func() bool { return len(g.toldRows()) > told && attempts() > 0 })
}

// refusedRequestsAboutCalls are those that nothing comes of, also by a superuser.
func refusedRequestsAboutCalls(t *testing.T, g *guestRig, root string) {
	t.Helper()
	for _, call := range []struct {
		method, path, body string
		status             int
	}{
		{"GET", "/api/extensions/calls?state=asleep", "", 400}, {"GET", "/api/extensions/calls?page=x", "", 400},
		{"GET", "/api/extensions/calls/nobody", "", 404}, {"POST", "/api/extensions/calls/nobody/replay", "", 404}, {"DELETE", "/api/extensions/calls/nobody", "", 404},
		{"POST", "/api/extensions/calls/replay", "{}", 400}, {"POST", "/api/extensions/calls/replay", "{", 400},
		{"POST", "/api/sql", `{"query":"DELETE FROM _troupe_extension_calls"}`, 400}, {"POST", "/api/sql", `{"query":"DROP TABLE _troupe_extension_calls"}`, 400},
	} {
		if status, out := g.sendAs(root, call.method, call.path, call.body); status != call.status || out["message"] == nil {
			t.Errorf("%v: %d %v", call, status, out)
		}
	}
}

// TestExtensionsAreShown: superusers see what is loaded, and how it is.
func TestExtensionsAreShown(t *testing.T) {
	g := newGuests(t, "probe", "granted")
	g.posts("posts")
	for range 6 {
		g.raw("POST", "/probe/any/x", "hostile\ttrap", nil)
	}
	if status, out := g.send("POST", "/api/collections/posts/records", with("", "record.create<|reject|400|no")); status != 400 { // by the first of the two
		t.Fatalf("%d %v", status, out)
	}
	status, out := g.sendAs(g.superuser(), "GET", "/api/extensions", "")
	if status != 200 || len(out["extensions"].([]any)) != 2 || len(out["absent"].([]any)) != 0 {
		t.Fatalf("%d %v", status, out)
	}
	granted, probe := out["extensions"].([]any)[0].(map[string]any), out["extensions"].([]any)[1].(map[string]any)
	if probe["name"] != "probe" || probe["version"] != "1" || probe["file"] != "probe.wasm" || len(probe["checksum"].(string)) != 64 {
		t.Errorf("%v", probe)
	}
	if asked := granted["permissions"].(map[string]any); len(asked["grants"].([]any)) != 2 || len(asked["granted"].([]any)) != 0 || asked["sql"] != true {
		t.Errorf("%v", asked)
	}
	route := probe["routes"].([]any)[0].(map[string]any)
	health := route["health"].(map[string]any)
	if route["path"] != "/probe/any/{name}" || health["failures"] != 5.0 || health["suspendedMs"].(float64) <= 0 || health["lastErrorAt"] == "" || health["totalMs"].(float64) <= 0 {
		t.Errorf("%v", route)
	}
	for _, one := range granted["hooks"].([]any) {
		hook := one.(map[string]any)
		health := hook["health"].(map[string]any)
		if health["suspendedMs"] != 0.0 || (hook["event"] == "record.create" && len(hook["collections"].([]any)) == 0) != (health["rejected"] == 1.0) || fmt.Sprint(hook["phases"]) != "[before after]" {
			t.Errorf("%v", hook)
		}
	}
	if err := os.WriteFile(filepath.Join(g.dir, "broken.wasm"), []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the file that is refused is shown", func() bool {
		_, out := g.sendAs(g.superuser(), "GET", "/api/extensions", "")
		for _, one := range out["refused"].([]any) {
			if r := one.(map[string]any); r["file"] == "broken.wasm" && r["why"] != "" && r["since"] != "" {
				return true
			}
		}
		return false
	})
	if n := probe["instances"].(map[string]any)["all"].(float64); n < 1 {
		t.Errorf("%v instances", n)
	}
}
