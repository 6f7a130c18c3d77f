package writes

import (
	"context"
	"errors"

	"github.com/troupebase/troupe/storage/records"
)

// maxDepth is how deeply writes that hooks make may be nested: enough for a few collections that keep one another up to
// date, little enough that hooks that call each other for ever are told so soon.
const maxDepth = 8

var (
	// ErrDepth says that hooks have written so often from within one another that they will hardly end by themselves.
	ErrDepth = errors.New("writes of hooks are nested too deeply")
	// ErrReadOnly says that a record is being shown to somebody, where nothing can be written.
	ErrReadOnly = errors.New("nothing can be written while a record is shown")
)

// scope is what a context says of the chain of calls that it belongs to. It is immutable.
type scope struct {
	chain *chain
	// depth counts the hooked writes that the chain is inside of.
	depth int
	// tx is the transaction that the chain holds, nil for none; begun is the innermost part of it that was begun by Begin.
	tx    *transaction
	begun *Transaction
	// showing tells that a record is being shown: the chain may not write, others may be waiting for it.
	showing bool
	// request is on whose behalf the chain runs, nil for the server itself.
	request *RequestInfo
}

type scopeKey struct{}

// scopeOf returns the scope of a context; the zero scope, without a chain, for one that has none.
func scopeOf(ctx context.Context) scope {
	if s, ok := ctx.Value(scopeKey{}).(*scope); ok {
		return *s
	}
	return scope{}
}

// in returns a context that belongs to the scope.
func (s scope) in(ctx context.Context) context.Context {
	if s.chain == nil {
		s.chain = new(chain)
	}
	return context.WithValue(ctx, scopeKey{}, &s)
}

// deeper is the scope of what a hooked write calls.
func (s scope) deeper() (scope, error) {
	if s.showing {
		return s, ErrReadOnly
	}
	if s.depth++; s.depth > maxDepth {
		return s, ErrDepth
	}
	return s, nil
}

// held returns the transaction that the chain holds. It fails with [ErrTransactionOver] when there is none, or when the part of it has
// ended that the context belongs to.
func (s scope) held() (*transaction, error) {
	if s.tx == nil {
		return nil, ErrTransactionOver
	}
	for t := s.begun; t != nil; t = t.outer {
		if t.ended.Load() {
			return nil, ErrTransactionOver
		}
	}
	return s.tx, nil
}

// Redefines tells whether the chain of calls that ctx belongs to may change collections or settings: nil, [ErrReadOnly] or
// [ErrInTransaction]. In a transaction it may not: what they mean is swapped after the commit, behind the gate, and whatever runs in
// the transaction would go on with what it took from before.
func Redefines(ctx context.Context) error {
	switch s := scopeOf(ctx); {
	case s.showing:
		return ErrReadOnly
	case s.tx != nil:
		return ErrInTransaction
	}
	return nil
}

// RequestInfo is a request as hooks see it.
type RequestInfo struct {
	// Request is the request itself, nil where a record is shown to a subscriber.
	Request Request
	// Caller is on whose behalf it runs.
	Caller records.Caller
	// Auth is the record that is signed in, nil for a guest. It is not to be changed.
	Auth *records.Record
	// Body returns the body as it was read: the bytes, or JSON of the form. Nil for a request without one.
	Body func() ([]byte, error)
}

// Request is what hooks see of a request. The server's own requests implement it, and the parts of a batch.
type Request interface {
	// Method is the method in upper case.
	Method() string
	// Path is the path as it was sent, URI the query with it.
	Path() string
	URI() string
	// Param is the value of a parameter of the route's path, "" for none.
	Param(name string) string
	// QueryLookup is the first value of a parameter of the query.
	QueryLookup(name string) (string, bool)
	// HeaderLookup is the first value of a header, by its name in any case.
	HeaderLookup(name string) (string, bool)
	// RealIP is the address of the client.
	RealIP() string
}

// WithRequest returns a context of a new chain that runs on behalf of a request.
func WithRequest(ctx context.Context, info *RequestInfo) context.Context {
	s := scopeOf(ctx)
	s.request = info
	return s.in(ctx)
}

// RequestOf returns the request on whose behalf ctx runs, nil for none.
func RequestOf(ctx context.Context) *RequestInfo { return scopeOf(ctx).request }
