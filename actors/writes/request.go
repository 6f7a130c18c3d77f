package writes

import "github.com/troupebase/troupe/storage/filter"

// Seen is the request as user code may see it: the request itself, or what is left of that of a subscriber to whom a record is
// shown.
func (i *RequestInfo) Seen() Request {
	if i.Request == nil {
		return streamRequest{i.Caller.Request}
	}
	return i.Request
}

// streamRequest is what is left of the request of a subscriber. It implements Request.
type streamRequest struct{ of *filter.Request }

// Method implements Request.
func (r streamRequest) Method() string { return r.of.Method }

// Path implements Request.
func (streamRequest) Path() string { return "" }

// URI implements Request.
func (streamRequest) URI() string { return "" }

// Param implements Request.
func (streamRequest) Param(string) string { return "" }

// QueryLookup implements Request.
func (r streamRequest) QueryLookup(name string) (string, bool) {
	if r.of.Source == nil {
		return "", false
	}
	return r.of.Source.Query(name)
}

// HeaderLookup implements Request.
func (r streamRequest) HeaderLookup(name string) (string, bool) {
	if r.of.Source == nil {
		return "", false
	}
	return r.of.Source.Header(filter.HeaderName(name))
}

// RealIP implements Request.
func (streamRequest) RealIP() string { return "" }
