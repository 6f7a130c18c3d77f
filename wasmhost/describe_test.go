package wasmhost

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// many is n times s as the elements of an array.
func many(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }

func TestParseDescription(t *testing.T) {
	d, err := parseDescription([]byte(`{"name":"a-1_b","version":"2","extra":1,"Name":"other",
		"hooks":[{"event":"record.create","collections":["posts","_x"],"phases":["after"],"priority":-5},{"event":"record.enrich"},{"event":"bootstrap","collections":null}],
		"routes":[{"method":"GET","path":"/a/{b}/{rest...}","auth":"record"},{"path":"/"},{"path":"/a/"}],
		"permissions":{"collections":["*","_x"],"sql":true}}`))
	if err != nil {
		t.Fatal(err)
	}
	if d.name != "a-1_b" || d.version != "2" || len(d.hooks) != 3 || len(d.routes) != 3 || !d.permissions.SQL || len(d.permissions.Collections) != 2 {
		t.Errorf("%+v", d)
	}
	if h := d.hooks[0]; h.Before || !h.After || h.Priority != -5 || len(h.Collections) != 2 {
		t.Errorf("%+v", h)
	}
	if h := d.hooks[1]; !h.Before || h.After {
		t.Errorf("%+v", h)
	}
}

// TestAtomicHooks: it is taken where there is a write to be part of, and means nothing elsewhere.
func TestAtomicHooks(t *testing.T) {
	for event := range events {
		stage := event[strings.LastIndex(event, ".")+1:]
		want := strings.HasPrefix(event, "record.") && stage != "success" && stage != "error" && stage != "enrich"
		for text, said := range map[string]bool{`,"atomic":true`: true, `,"atomic":false`: false, `,"atomic":null`: false, ``: false} {
			d, err := parseDescription([]byte(withHooks(`{"event":"` + event + `"` + text + `}`)))
			if err != nil {
				t.Errorf("%s%s: %v", event, text, err)
			} else if d.hooks[0].Atomic != (said && want) {
				t.Errorf("%s%s: %v", event, text, d.hooks[0].Atomic)
			}
		}
	}
}

func withHooks(h string) string  { return `{"name":"a","hooks":[` + h + `]}` }
func withRoutes(r string) string { return `{"name":"a","routes":[` + r + `]}` }

// lies are descriptions that are refused.
var lies = map[string]string{
	"nothing":               ``,
	"not JSON":              `{`,
	"null":                  `null`,
	"array":                 `[]`,
	"text after":            `{"name":"a"} x`,
	"not UTF-8":             "{\"name\":\"a\",\"x\":\"\xff\"}",
	"no name":               `{}`,
	"empty name":            `{"name":""}`,
	"upper case name":       `{"name":"A"}`,
	"name in other case":    `{"Name":"a"}`,
	"path as name":          `{"name":"../a"}`,
	"long name":             `{"name":"` + strings.Repeat("a", 65) + `"}`,
	"number as name":        `{"name":1}`,
	"line in the name":      `{"name":"a\n"}`,
	"long version":          `{"name":"a","version":"` + strings.Repeat("1", 65) + `"}`,
	"requires a text":       `{"name":"a","requires":"atomic"}`,
	"requires too much":     `{"name":"a","requires":[` + many(65, `"atomic"`) + `]}`,
	"requires the unknown":  `{"name":"a","requires":["atomic","telepathy"]}`,
	"object as hooks":       `{"name":"a","hooks":{}}`,
	"many hooks":            withHooks(many(257, `{"event":"record.create"}`)),
	"no event":              withHooks(`{}`),
	"unknown event":         withHooks(`{"event":"record.view"}`),
	"hook that is none":     withHooks(`1`),
	"no phases":             withHooks(`{"event":"record.create","phases":[]}`),
	"unknown phase":         withHooks(`{"event":"record.create","phases":["during"]}`),
	"phase twice":           withHooks(`{"event":"record.create","phases":["after","after"]}`),
	"atomic as text":        withHooks(`{"event":"record.create","atomic":"true"}`),
	"priority as text":      withHooks(`{"event":"record.create","priority":"1"}`),
	"fractional priority":   withHooks(`{"event":"record.create","priority":1.5}`),
	"giant priority":        withHooks(`{"event":"record.create","priority":2147483648}`),
	"collection of serve":   withHooks(`{"event":"serve","collections":["posts"]}`),
	"empty collection":      withHooks(`{"event":"record.create","collections":[""]}`),
	"collection twice":      withHooks(`{"event":"record.create","collections":["a","a"]}`),
	"long collection":       withHooks(`{"event":"record.create","collections":["` + strings.Repeat("a", 256) + `"]}`),
	"many collections":      withHooks(`{"event":"record.create","collections":[` + many(257, `"a"`) + `]}`),
	"many routes":           withRoutes(many(257, `{"path":"/a"}`)),
	"route twice":           withRoutes(`{"path":"/a"},{"path":"/a"}`),
	"no path":               withRoutes(`{}`),
	"relative path":         withRoutes(`{"path":"a"}`),
	"long path":             withRoutes(`{"path":"/` + strings.Repeat("a", maxPath) + `"}`),
	"empty segment":         withRoutes(`{"path":"/a//b"}`),
	"dots":                  withRoutes(`{"path":"/a/../b"}`),
	"query":                 withRoutes(`{"path":"/a?b"}`),
	"escape":                withRoutes(`{"path":"/a%2fb"}`),
	"control character":     withRoutes(`{"path":"/a\n"}`),
	"brace in a segment":    withRoutes(`{"path":"/a{b}"}`),
	"open parameter":        withRoutes(`{"path":"/{b"}`),
	"parameter and text":    withRoutes(`{"path":"/{b}c"}`),
	"nameless parameter":    withRoutes(`{"path":"/{}"}`),
	"nameless rest":         withRoutes(`{"path":"/{...}"}`),
	"parameter twice":       withRoutes(`{"path":"/{a}/{a}"}`),
	"rest in the middle":    withRoutes(`{"path":"/{a...}/b"}`),
	"number as parameter":   withRoutes(`{"path":"/{1}"}`),
	"many parameters":       withRoutes(`{"path":"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"}`),
	"lower case method":     withRoutes(`{"method":"get","path":"/a"}`),
	"unknown method":        withRoutes(`{"method":"TRACE","path":"/a"}`),
	"unknown auth":          withRoutes(`{"path":"/a","auth":"admin"}`),
	"permission as text":    `{"name":"a","permissions":{"sql":"yes"}}`,
	"permissions as list":   `{"name":"a","permissions":["*"]}`,
	"collections as text":   `{"name":"a","permissions":{"collections":"*"}}`,
	"a grant unknown":       `{"name":"a","permissions":{"grants":["headers"]}}`,
	"a grant twice":         `{"name":"a","permissions":{"grants":["headers.secret","headers.secret"]}}`,
	"too large":             `{"name":"a","x":"` + strings.Repeat("x", maxDescription) + `"}`,
	"nested beyond measure": `{"name":"a","x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`,
}

func TestLies(t *testing.T) {
	for name, text := range lies {
		if d, err := parseDescription([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

// What a description requires and the server does not have is refused by name, whatever else it says; other keys that nobody knows are passed over.
func TestRequires(t *testing.T) {
	known := `["` + strings.Join(features, `","`) + `"]`
	if _, err := parseDescription([]byte(`{"name":"a","requires":` + known + `,"wishes":["x"]}`)); err != nil {
		t.Error(err)
	}
	long := strings.Repeat("x", 1000)
	_, err := parseDescription([]byte(`{"requires":["atomic","telepathy","` + long + `"],"hooks":"something new"}`))
	if err == nil || !strings.Contains(err.Error(), `requires "telepathy", "xxx`) || !strings.Contains(err.Error(), "does not have") || len(err.Error()) > 500 {
		t.Error(err)
	}
}

// FuzzDescribe checks that whatever a guest says of itself is refused or within its bounds.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte(`{"name":"a","hooks":[{"event":"record.create","collections":["posts"],"phases":["before","after"],"priority":1}]}`))
	f.Add([]byte(`{"name":"a","routes":[{"method":"GET","path":"/a/{b}/{rest...}","auth":"record"}],"permissions":{"collections":["*"],"sql":true}}`))
	f.Add([]byte(`{"name":null,"hooks":null}`))
	f.Add([]byte(`{"name":"a","requires":["atomic","transactions"]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := parseDescription(raw)
		if err != nil {
			return
		}
		if !extensionName.MatchString(d.name) || len(d.version) > maxVersion || len(d.hooks) > maxHooks || len(d.routes) > maxRoutes {
			t.Fatalf("%+v", d)
		}
		for _, h := range d.hooks {
			if _, ok := events[h.Event]; !ok || !h.Before && !h.After || len(h.Collections) > maxCollections {
				t.Fatalf("%+v", h)
			}
		}
		for _, r := range d.routes {
			if r.Path[0] != '/' || strings.ContainsAny(r.Path, "\r\n?#%") || strings.Count(r.Path, "{") > maxPathParams || !json.Valid([]byte(fmt.Sprintf("%q", r.Method))) {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// A grant takes both: the extension's wish and the operator's word.
func TestGrantsTakeBoth(t *testing.T) {
	for _, x := range []struct {
		asked, given []Grant
		want         bool
	}{
		{nil, nil, false}, {[]Grant{Credentials}, nil, false}, {nil, []Grant{Credentials}, false},
		{[]Grant{Credentials}, []Grant{SecretHeaders}, false}, {[]Grant{SecretHeaders, Credentials}, []Grant{Credentials}, true},
	} {
		d := &description{name: "a", permissions: Permissions{Grants: x.asked}}
		if got := len(d.granted(map[string][]Grant{"a": x.given, "b": grants})) == 1; got != x.want {
			t.Errorf("asked for %v, given %v: %v", x.asked, x.given, got)
		}
	}
}
