//go:build wasip1

package troupe

// Who may call a route.
type Who string

const (
	Everybody  Who = ""
	SignedIn   Who = "record"
	Superusers Who = "superuser"
)

// Handler answers a request. What its error means, the package comment says.
type Handler func(r *Request) error

// Route is a registered route.
type Route struct {
	method, path string
	who          Who
	handler      Handler
}

// For limits who may call the route; others are refused before it is called.
func (r *Route) For(who Who) *Route {
	r.who = who
	return r
}

// routes are all that were registered; the position is their index in the ABI.
var routes []*Route

// Handle registers a handler for a method ("" is all) and a path like /a/{b} or /files/{rest...}.
func Handle(method, path string, f Handler) *Route {
	r := &Route{method: method, path: path, handler: f}
	routes = append(routes, r)
	return r
}

// GET is Handle for the method of that name, as are the following.
func GET(path string, f Handler) *Route { return Handle("GET", path, f) }

// POST registers a handler for POST.
func POST(path string, f Handler) *Route { return Handle("POST", path, f) }

// PUT registers a handler for PUT.
func PUT(path string, f Handler) *Route { return Handle("PUT", path, f) }

// PATCH registers a handler for PATCH.
func PATCH(path string, f Handler) *Route { return Handle("PATCH", path, f) }

// DELETE registers a handler for DELETE.
func DELETE(path string, f Handler) *Route { return Handle("DELETE", path, f) }

// request is used again for every call.
var request Request

func (r *Route) run() (uint64, error) {
	request.answer = nil
	if err := r.handler(&request); err != nil {
		return 0, err
	}
	return packed(request.answer), nil
}
