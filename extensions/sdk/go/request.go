//go:build wasip1

package troupe

// The parts of a request, as abi.md numbers them.
const (
	partMethod = iota
	partPath
	partParam
	partQuery
	partHeader
	partBody
	partAddress
	partURI
	partSituation
	partCall
)

// Request is the request that a route answers, or that a hook runs in. What it does not have (a header, a parameter) is
// empty.
type Request struct{ answer []byte }

// Method is GET, POST and so on.
func (r *Request) Method() string { return r.text(partMethod, "") }

// Path is the decoded path.
func (r *Request) Path() string { return r.text(partPath, "") }

// Param is the value of {name} in the route's path.
func (r *Request) Param(name string) string { return r.text(partParam, name) }

// Query is the value of a parameter of the query.
func (r *Request) Query(name string) string { return r.text(partQuery, name) }

// Header is the value of a header.
func (r *Request) Header(name string) string { return r.text(partHeader, name) }

// Body is the body as it was sent.
func (r *Request) Body() []byte { return append([]byte(nil), r.part(partBody, "")...) }

// Address is where the client is.
func (r *Request) Address() string { return r.text(partAddress, "") }

// URI is path and query as they were sent.
func (r *Request) URI() string { return r.text(partURI, "") }

// Situation is what the request is for: "default", "batch", "realtime" and so on.
func (r *Request) Situation() string { return r.text(partSituation, "") }

func (r *Request) text(part int32, name string) string { return string(r.part(part, name)) }

// part leaves the part in the buffer of the package.
func (r *Request) part(part int32, name string) []byte {
	for {
		buf, size := room()
		n := hostRequest(part, name, buf, size)
		if n < 0 {
			if Errno(n) != NotFound {
				keep("request", name, n)
			}
			return nil
		}
		if !grow(n) {
			return buffer[:n]
		}
	}
}

// JSON answers with a JSON value.
func (r *Request) JSON(status int, v JSON) error {
	return r.Bytes(status, "application/json", v.JSON())
}

// Text answers with plain text.
func (r *Request) Text(status int, s string) error {
	return r.Bytes(status, "text/plain; charset=utf-8", []byte(s))
}

// Bytes answers with bytes of a content type. They must stay as they are until the handler has returned.
func (r *Request) Bytes(status int, contentType string, body []byte) error {
	if n := hostRespond(int32(status), contentType); n < 0 {
		return hostError("respond", contentType, n)
	}
	r.answer = body
	return nil
}

// SetHeader adds a header to the answer.
func (r *Request) SetHeader(name, value string) error {
	if n := hostRespondHeader(name, value); n < 0 {
		return hostError("respond_header", name, n)
	}
	return nil
}

// Auth is the record that is signed in; it does not exist for a guest.
func (r *Request) Auth() Record {
	n := hostAuth()
	if n < 0 {
		if Errno(n) != NotFound {
			keep("auth", "", n)
		}
		return Record{}
	}
	return Record{n}
}

// IsSuperuser reports whether a superuser is signed in.
func (r *Request) IsSuperuser() bool {
	n := hostAuthSuperuser()
	if n < 0 {
		keep("auth_superuser", "", n)
	}
	return n == 1
}
