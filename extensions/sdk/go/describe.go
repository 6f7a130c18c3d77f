//go:build wasip1

package troupe

// manifest is what the extension says about itself apart from hooks and routes.
var manifest struct {
	name, version string
	collections   []string
	sql           bool
	grants        []string
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
		hs.Put(Object().Text("event", h.event).Put("collections", texts(h.collections)).Put("phases", phases).Int("priority", int64(h.priority)))
	}
	rs := Array()
	for _, r := range routes {
		rs.Put(Object().Text("method", r.method).Text("path", r.path).Text("auth", string(r.who)))
	}
	permissions := Object().Put("collections", texts(manifest.collections)).Bool("sql", manifest.sql)
	if len(manifest.grants) > 0 {
		permissions.Put("grants", texts(manifest.grants))
	}
	return Object().Text("name", manifest.name).Text("version", manifest.version).Put("hooks", hs).Put("routes", rs).
		Put("permissions", permissions).JSON()
}
