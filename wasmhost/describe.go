package wasmhost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// HookSpec is a hook of a description. Read only.
type HookSpec struct {
	Event string
	// Collections are names or ids; empty means all.
	Collections []string
	// Before and After say which of the two the guest wants to be called for.
	Before, After bool
	// Priority orders hooks: smaller is further outside.
	Priority int
	// Atomic asks for one transaction around all hooks of a write and the write itself. It is only set where there is one: in
	// record.validate and in the stages of a write before its outcome.
	Atomic bool
}

// RouteSpec is a route of a description. Read only.
type RouteSpec struct {
	// Method is in upper case; empty means all.
	Method string
	// Path is a pattern: segments are literal or {name}, the last may be {name...}.
	Path string
	// Auth is who may call it: "" everybody, "record" who is signed in, "superuser".
	Auth string
}

// Permissions is what an extension asks for. Collections and SQL it may reach in its own name by asking; what [Grant] names it
// only gets from the operator.
type Permissions struct {
	// Collections are names, or "*" for all but system collections.
	Collections []string
	SQL         bool
	// Grants are what it asks of the operator.
	Grants []Grant
}

// Grant is a permission that takes the operator's word beside the extension's own wish, see [Options.Grants].
type Grant string

const (
	// SecretHeaders shows the headers of a request that prove who somebody is, apart from a token that the server has verified:
	// webhooks sign with them.
	SecretHeaders Grant = "headers.secret"
	// Credentials lets the extension set password, email and verified of auth records, and so decide who can sign in.
	Credentials Grant = "auth.credentials"
)

var grants = []Grant{SecretHeaders, Credentials}

// granted are those of the grants asked for that the operator gives.
func (d *description) granted(given map[string][]Grant) (have []Grant) {
	for _, g := range d.permissions.Grants {
		if slices.Contains(given[d.name], g) {
			have = append(have, g)
		}
	}
	return have
}

// ParseGrant reads a grant as an operator writes it, "name:permission".
func ParseGrant(text string) (extension string, g Grant, err error) {
	extension, permission, found := strings.Cut(text, ":")
	if g = Grant(permission); !found || !extensionName.MatchString(extension) || !slices.Contains(grants, g) {
		return "", "", fmt.Errorf("grant %.80q is not like extension:permission with a permission of %v", text, grants)
	}
	return extension, g, nil
}

type description struct {
	name, version string
	hooks         []HookSpec
	routes        []RouteSpec
	permissions   Permissions
}

const (
	maxHooks       = 256
	maxRoutes      = 256
	maxCollections = 256 // names in one list
	maxPath        = 512
	maxPathParams  = 8 // what the router keeps without allocating
	maxVersion     = 64
)

var (
	extensionName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)
	paramName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	methods       = []string{"", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
	events        = eventNames()
)

// eventNames returns the events of this version of the ABI and whether each is about a record.
func eventNames() map[string]bool {
	m := map[string]bool{"record.validate": true, "record.enrich": true, "bootstrap": false, "terminate": false, "serve": false}
	for _, e := range []string{"create", "update", "delete"} {
		for _, stage := range []string{"", ".request", ".execute", ".success", ".error"} {
			m["record."+e+stage] = true
		}
	}
	return m
}

// inWrite tells whether an event is part of a write, in contrast to what comes after its outcome and to what writes no record.
func inWrite(event string) bool {
	after := strings.HasSuffix(event, ".success") || strings.HasSuffix(event, ".error")
	return events[event] && !after && event != "record.enrich"
}

// object is a JSON object whose keys are compared exactly, which encoding/json does not do for structs.
type object map[string]json.RawMessage

// get decodes a key into v and leaves v alone when the key is missing or null.
func (o object) get(key string, v any) error {
	raw, ok := o[key]
	if !ok || bytes.Equal(raw, []byte("null")) {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("%q: %w", key, err)
	}
	return nil
}

// parseDescription reads what a guest says about itself. Everything in the result is within its bounds.
func parseDescription(raw []byte) (*description, error) {
	o, err := parseObject(raw)
	if err != nil {
		return nil, err
	}
	d := &description{}
	var hooks, routes []object
	var permissions object
	var requires []string
	if err := o.get("requires", &requires); err != nil {
		return nil, fmt.Errorf("the description: %w", err)
	}
	if err := checkRequires(requires); err != nil { // before anything else, which may mean something new
		return nil, fmt.Errorf("the description: %w", err)
	}
	err = errors.Join(o.get("name", &d.name), o.get("version", &d.version), o.get("hooks", &hooks), o.get("routes", &routes),
		o.get("permissions", &permissions))
	if err != nil {
		return nil, fmt.Errorf("the description: %w", err)
	}
	switch {
	case !extensionName.MatchString(d.name):
		return nil, fmt.Errorf("the name %.80q is not like [a-z0-9][a-z0-9_-]{0,63}", d.name)
	case len(d.version) > maxVersion:
		return nil, fmt.Errorf("the version has more than %d bytes", maxVersion)
	case len(hooks) > maxHooks:
		return nil, fmt.Errorf("%d hooks, more than %d", len(hooks), maxHooks)
	case len(routes) > maxRoutes:
		return nil, fmt.Errorf("%d routes, more than %d", len(routes), maxRoutes)
	}
	for i, h := range hooks {
		spec, err := parseHook(h)
		if err != nil {
			return nil, fmt.Errorf("hook %d: %w", i, err)
		}
		d.hooks = append(d.hooks, spec)
	}
	for i, r := range routes {
		spec, err := parseRoute(r)
		if err != nil {
			return nil, fmt.Errorf("route %d: %w", i, err)
		}
		if slices.Contains(d.routes, spec) {
			return nil, fmt.Errorf("route %d: %s %s is there twice", i, spec.Method, spec.Path)
		}
		d.routes = append(d.routes, spec)
	}
	if d.permissions, err = parsePermissions(permissions); err != nil {
		return nil, fmt.Errorf("permissions: %w", err)
	}
	return d, nil
}

// parseObject reads the JSON object that a description is.
func parseObject(raw []byte) (o object, err error) {
	if len(raw) > maxDescription {
		return nil, fmt.Errorf("the description has %d bytes, more than %d", len(raw), maxDescription)
	}
	if !utf8.Valid(raw) {
		return nil, errors.New("the description is not UTF-8")
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("the description: %w", err)
	}
	if o == nil {
		return nil, errors.New("the description is not an object")
	}
	return o, nil
}

func parseHook(o object) (HookSpec, error) {
	var h HookSpec
	var phases []string
	var priority int64
	err := errors.Join(o.get("event", &h.Event), o.get("collections", &h.Collections), o.get("phases", &phases), o.get("priority", &priority), o.get("atomic", &h.Atomic))
	if err != nil {
		return h, err
	}
	ofRecord, known := events[h.Event]
	if !known {
		return h, fmt.Errorf("there is no event %.80q", h.Event)
	}
	if !ofRecord && len(h.Collections) > 0 {
		return h, fmt.Errorf("%s is about no collection", h.Event)
	}
	if err := checkCollections(h.Collections); err != nil {
		return h, err
	}
	if priority < math.MinInt32 || priority > math.MaxInt32 {
		return h, fmt.Errorf("the priority %d is not a 32-bit number", priority)
	}
	h.Priority = int(priority)
	h.Atomic = h.Atomic && inWrite(h.Event)
	if phases == nil {
		phases = []string{"before"}
	}
	for _, p := range phases {
		switch {
		case p == "before" && !h.Before:
			h.Before = true
		case p == "after" && !h.After:
			h.After = true
		default:
			return h, fmt.Errorf("the phase %.80q is unknown or there twice", p)
		}
	}
	if !h.Before && !h.After {
		return h, errors.New("the hook has no phase")
	}
	return h, nil
}

func checkCollections(names []string) error {
	if len(names) > maxCollections {
		return fmt.Errorf("%d collections, more than %d", len(names), maxCollections)
	}
	seen := make(map[string]bool, len(names))
	for _, n := range names {
		if n == "" || len(n) > 255 || strings.ContainsFunc(n, isControl) {
			return fmt.Errorf("%.80q is not the name of a collection", n)
		}
		if seen[n] {
			return fmt.Errorf("the collection %.80q is there twice", n)
		}
		seen[n] = true
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

func parseRoute(o object) (RouteSpec, error) {
	var r RouteSpec
	if err := errors.Join(o.get("method", &r.Method), o.get("path", &r.Path), o.get("auth", &r.Auth)); err != nil {
		return r, err
	}
	if !slices.Contains(methods, r.Method) {
		return r, fmt.Errorf("there is no method %.80q", r.Method)
	}
	if !slices.Contains([]string{"", "record", "superuser"}, r.Auth) {
		return r, fmt.Errorf("auth is %.80q, not \"\", \"record\" or \"superuser\"", r.Auth)
	}
	return r, checkPath(r.Path)
}

// checkPath accepts patterns that the router understands.
func checkPath(path string) error {
	if len(path) > maxPath {
		return fmt.Errorf("the path has more than %d bytes", maxPath)
	}
	rest, ok := strings.CutPrefix(path, "/")
	if !ok {
		return fmt.Errorf("the path %q does not begin with a slash", path)
	}
	segments := strings.Split(rest, "/")
	var names []string
	for i, s := range segments {
		last := i == len(segments)-1
		inner, isParam := strings.CutPrefix(s, "{")
		switch {
		case !isParam && s == "" && !last:
			return fmt.Errorf("the path %q has an empty segment", path)
		case !isParam && (strings.ContainsAny(s, "{}?#%\\") || strings.ContainsFunc(s, isControl) || s == "." || s == ".."):
			return fmt.Errorf("the path %q has a segment %q", path, s)
		case !isParam:
			continue
		}
		name, closed := strings.CutSuffix(inner, "}")
		name, all := strings.CutSuffix(name, "...")
		if !closed || all && !last || !paramName.MatchString(name) || slices.Contains(names, name) {
			return fmt.Errorf("the path %q has a parameter %q", path, s)
		}
		names = append(names, name)
	}
	if len(names) > maxPathParams {
		return fmt.Errorf("the path %q has more than %d parameters", path, maxPathParams)
	}
	return nil
}

func parsePermissions(o object) (Permissions, error) {
	var p Permissions
	if err := errors.Join(o.get("collections", &p.Collections), o.get("sql", &p.SQL), o.get("grants", &p.Grants)); err != nil {
		return p, err
	}
	for i, g := range p.Grants {
		if !slices.Contains(grants, g) || slices.Contains(p.Grants[:i], g) {
			return p, fmt.Errorf("the grant %.80q is unknown or there twice", g)
		}
	}
	return p, checkCollections(p.Collections)
}
