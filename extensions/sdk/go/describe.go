//go:build wasip1

package troupe

import "slices"

// manifest is what the extension says about itself apart from hooks and routes.
var manifest struct {
	name, version string
	collections   []string
	sql           bool
	grants        []string
	requires      []string
}

// Name names the extension ([a-z0-9][a-z0-9_-]{0,63}, unique on the server) and its version. Every extension calls it once.
func Name(name, version string) { manifest.name, manifest.version = name, version }

// AllowCollections asks for access to collections as [Extension]: names, or "*" for all that do not begin with "_".
func AllowCollections(names ...string) {
	manifest.collections = append(manifest.collections, names...)
}

// AllowSQL asks for the use of [SQL].
func AllowSQL() { manifest.sql = true }

// What only the operator can let an extension do, see [AskFor].
const (
	// SecretHeaders shows Authorization and Cookie of requests, apart from a token that the server has verified.
	SecretHeaders = "headers.secret"
	// Credentials allows to set password, email and verified of auth records.
	Credentials = "auth.credentials"
)

// AskFor asks the operator for permissions. Until they are granted (troupe serve --grant NAME:PERMISSION), what takes them
// fails with FORBIDDEN, and secret headers look as if they had not been sent.
func AskFor(permissions ...string) { manifest.grants = append(manifest.grants, permissions...) }

// Require names what the extension cannot do without, as abi.md lists it: a server that does not know it refuses the module and
// says why, where it would pass over an unknown key. "atomic" is named by itself where a hook is.
func Require(features ...string) {
	for _, f := range features {
		if !slices.Contains(manifest.requires, f) {
			manifest.requires = append(manifest.requires, f)
		}
	}
}

func texts(list []string) *JSONArray {
	a := Array()
	for _, s := range list {
		a.Text(s)
	}
	return a
}

// describe answers what the host asks first.
func describe() []byte {
	hs := Array()
	for _, h := range hooks {
		phases := Array()
		if h.before != nil {
			phases.Text("before")
		}
		if h.after != nil {
			phases.Text("after")
		}
		spec := Object().Text("event", h.event).Put("collections", texts(h.collections)).Put("phases", phases).Int("priority", int64(h.priority))
		if h.isAtomic() {
			spec.Bool("atomic", true)
			Require("atomic")
		}
		hs.Put(spec)
	}
	rs := Array()
	for _, r := range routes {
		rs.Put(Object().Text("method", r.method).Text("path", r.path).Text("auth", string(r.who)))
	}
	permissions := Object().Put("collections", texts(manifest.collections)).Bool("sql", manifest.sql)
	if len(manifest.grants) > 0 {
		permissions.Put("grants", texts(manifest.grants))
	}
	d := Object().Text("name", manifest.name).Text("version", manifest.version).Put("hooks", hs).Put("routes", rs).Put("permissions", permissions)
	if len(manifest.requires) > 0 {
		d.Put("requires", texts(manifest.requires))
	}
	return d.JSON()
}

// isAtomic tells what the description says of the hook.
func (h *Hook) isAtomic() bool {
	if h.decided {
		return h.atomic
	}
	return beforeTheWrite(h.event) && (manifest.sql || len(manifest.collections) > 0)
}

// beforeTheWrite tells whether an event is one that can still keep a record from being written.
func beforeTheWrite(event string) bool {
	switch event {
	case "record.create.request", "record.create", "record.create.execute",
		"record.update.request", "record.update", "record.update.execute",
		"record.delete.request", "record.delete", "record.delete.execute", "record.validate":
		return true
	}
	return false
}
