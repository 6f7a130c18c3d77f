package wasmhost

import (
	"net/textproto"
	"strings"
	"unicode"
)

// about returns the request of the call.
func (i *instance) request() (Request, *Error) {
	switch c := i.call.about; {
	case c == nil:
		return nil, errNotLoading
	case c.Request == nil:
		return nil, errNoRequest
	default:
		return c.Request, nil
	}
}

// partCallID is the part of a request that is no part of one, and there without one, too.
const partCallID = 9

// callID hands over the ID of the call.
func (i *instance) callID(p []uint64) (int32, *Error) {
	switch {
	case i.call.about == nil:
		return 0, errNotLoading
	case i.call.about.ID == nil:
		return 0, errMissing
	}
	i.scratch = append(i.scratch[:0], i.call.about.ID()...)
	return i.fill(i.scratch, p[3], p[4])
}

func request(i *instance, p []uint64) (int32, *Error) {
	if uint32(p[0]) == partCallID {
		return i.callID(p)
	}
	r, err := i.request()
	if err != nil {
		return 0, err
	}
	var value string
	found := true
	switch uint32(p[0]) {
	case 0:
		value = r.Method()
	case 1:
		value = r.Path()
	case 2, 3, 4:
		name, err := i.name(p[1], p[2])
		if err != nil {
			return 0, err
		}
		value, found = i.lookup(r, uint32(p[0]), name)
	case 5:
		body, failure := r.Body()
		if failure != nil {
			return 0, i.explain("request", failure)
		}
		return i.fill(body, p[3], p[4])
	case 6:
		value = r.RealIP()
	case 7:
		value = r.URI()
	case 8:
		value = r.Situation()
	default:
		return 0, invalid("a request has no part %d", uint32(p[0]))
	}
	if !found {
		return 0, errMissing
	}
	i.scratch = append(i.scratch[:0], value...)
	return i.fill(i.scratch, p[3], p[4])
}

func (i *instance) lookup(r Request, part uint32, name string) (string, bool) {
	switch part {
	case 2:
		return r.Param(name)
	case 3:
		return r.QueryLookup(name)
	}
	if i.secret(name) {
		return "", false
	}
	return r.HeaderLookup(name)
}

// secret tells whether a header proves who somebody is and is not for this guest. With the grant it gets what was made for it,
// such as the signature of a webhook, but never a token that is good for the server's own API.
func (i *instance) secret(header string) bool {
	switch plainName(header) {
	case "authorization":
		return i.call.about.Verified || !i.extension.Granted(SecretHeaders)
	case "cookie", "proxyauthorization":
		return !i.extension.Granted(SecretHeaders)
	}
	return false
}

// plainName is a header's name without what hosts may take for the same: case, and what is between its words.
func plainName(header string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r > unicode.MaxASCII:
			return unicode.ToLower(r)
		}
		return -1
	}, header)
}

func auth(i *instance, _ []uint64) (int32, *Error) {
	if _, err := i.request(); err != nil {
		return 0, err
	}
	if i.call.about.Auth == nil {
		return 0, errNobody
	}
	h := &i.call.handles
	if h.auth == 0 {
		at, err := i.give(i.call.about.Auth)
		if err != nil {
			return 0, err
		}
		h.auth = at
	}
	return h.auth, nil
}

func authSuperuser(i *instance, _ []uint64) (int32, *Error) {
	if _, err := i.request(); err != nil {
		return 0, err
	}
	if i.call.about.Superuser {
		return 1, nil
	}
	return 0, nil
}

// response returns the answer that the guest of a route is making.
func (i *instance) response() (*Response, *Error) {
	if i.call.op != opRoute {
		return nil, errNotInRoute
	}
	if i.call.response == nil {
		i.call.response = &Response{}
	}
	return i.call.response, nil
}

func respond(i *instance, p []uint64) (int32, *Error) {
	r, err := i.response()
	if err != nil {
		return 0, err
	}
	if status := uint32(p[0]); status < 200 || status > 599 {
		return 0, errStatus
	}
	contentType, err := i.name(p[1], p[2])
	if err != nil {
		return 0, err
	}
	if !headerValue(contentType) {
		return 0, errHeader
	}
	r.Status, r.ContentType = int(uint32(p[0])), contentType
	return 0, nil
}

// owned are the headers that frame a message or belong to the connection: a guest that set them could make the server say two things at once.
var owned = map[string]bool{
	"Connection": true, "Content-Length": true, "Content-Type": true, "Date": true, "Keep-Alive": true, "Proxy-Connection": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

func respondHeader(i *instance, p []uint64) (int32, *Error) {
	r, err := i.response()
	if err != nil {
		return 0, err
	}
	name, err := i.name(p[0], p[1])
	if err != nil {
		return 0, err
	}
	value, err := i.text(p[2], p[3], maxHeader)
	switch {
	case err != nil:
		return 0, err
	case !headerName(name) || !headerValue(value):
		return 0, errHeader
	case owned[textproto.CanonicalMIMEHeaderKey(name)]:
		return 0, errHeaderOwned
	case len(r.Headers) >= maxHeaders:
		return 0, errHeaders
	}
	r.Headers = append(r.Headers, Header{Name: name, Value: value})
	return 0, nil
}

// headerName accepts tokens of RFC 9110.
func headerName(s string) bool {
	for _, c := range []byte(s) {
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !alnum && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return false
		}
	}
	return s != ""
}

// headerValue refuses what would end the header.
func headerValue(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
