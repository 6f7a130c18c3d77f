package wasmhost

import (
	"context"
	"encoding/json"
	"time"
)

// Authority says in whose name a guest reaches data.
type Authority int

const (
	// Caller is whoever makes the request, under the rules; a guest where there is no request.
	Caller Authority = 0
	// AsExtension is the guest itself: without rules, within the permissions of its description.
	AsExtension Authority = 1
)

// String returns the word of the ABI.
func (a Authority) String() string {
	if a == AsExtension {
		return "EXTENSION"
	}
	return "CALLER"
}

// Host is what guests reach of the server. It is called on the goroutine that called [Extension.Before], After or Serve, while
// the guest waits, and must be safe for concurrent use by several guests.
//
// The ctx of a call descends from the one that was given to Before, After or Serve, so it carries whatever the server put
// there (the call chain, the identity of the request). It has the time that is left for host calls as its deadline, names the extension ([Of]), and marks that the
// chain holds an instance: pass it on to the hooks of what the call sets off, or they may wait for an instance that only they could give back.
//
// A failure that the guest may know about wraps an [*Error]; one of ctx and what Before, After and Serve return for want of time or room is
// BUSY, a [*Rejection] is what its status says. Everything else is INTERNAL to the guest and goes to the log.
//
// Collections come by the name that Collection returned. Whether the extension may reach a collection was looked at before, but a
// filter, a sort, or an expand can lead to others: ask [Extension.Permits] for those where no rule does, as for [AsExtension] and
// for a superuser.
type Host interface {
	// Collection returns the name of the collection with that name or id, or NOT_FOUND.
	Collection(ctx context.Context, nameOrID string) (string, error)
	// Find returns a record, or NOT_FOUND also when the rules hide it.
	Find(ctx context.Context, as Authority, collection, id string) (Record, error)
	// List returns at most q.Limit records, which is between 1 and [MaxListRows].
	List(ctx context.Context, as Authority, collection string, q Query) ([]Record, error)
	// Create, Update and Delete write, in the transaction that the chain of ctx holds if there is one, and return what
	// was stored. A body is a JSON object and belongs to the callee.
	Create(ctx context.Context, as Authority, collection string, body []byte) (Record, error)
	Update(ctx context.Context, as Authority, collection, id string, body []byte) (Record, error)
	Delete(ctx context.Context, as Authority, collection, id string) error
	// Begin begins a transaction, or in a chain that holds one a part of it that can fail alone. What is called with its Context is part of
	// it. The caller ends it, whatever happens.
	Begin(ctx context.Context) (Transaction, error)
	// SQL runs one statement; more than [MaxSQLRows] rows are LIMIT. It is only called for extensions with the permission.
	SQL(ctx context.Context, statement string, params Params) (*Rows, error)
}

// Transaction is one that a guest began. It is used on the goroutine that made it, until one of Commit and Rollback is called, once.
type Transaction interface {
	// Context is that of Begin, with the transaction.
	Context() context.Context
	// Commit keeps what was written. It fails like a write.
	Commit() error
	// Rollback takes it back.
	Rollback() error
}

// Record is a record as guests reach it. The values it gives belong to one call of a guest; it need not be safe for concurrent use.
// A field that it does not know is NOT_FOUND, one that may not be read (password, tokenKey) is FORBIDDEN, and a change that
// does not count in this call is CONTEXT, as errors that wrap an [*Error].
type Record interface {
	// Collection returns the collection's name.
	Collection() string
	// Size is about how many bytes the record takes in memory.
	Size() int
	// AppendText appends the value as text: texts as they are, everything else as JSON.
	AppendText(dst []byte, field string) ([]byte, error)
	// SetText sets a field to what it makes of a text; the key may carry a modifier.
	SetText(key, value string) error
	// Number returns the value of a number or bool (0, 1); other types are INVALID.
	Number(field string) (float64, error)
	// SetNumber sets a field to what it makes of a number.
	SetNumber(key string, v float64) error
	// AppendJSON appends the value as JSON; an empty field is the whole record with hidden fields.
	AppendJSON(dst []byte, field string) ([]byte, error)
	// SetJSON sets a field to what it makes of raw, which is valid JSON and valid only during the call.
	SetJSON(key string, raw []byte) error
	// Original returns the record as it is stored, NOT_FOUND for a new one.
	Original() (Record, error)
	// Hide leaves a field out of the answer, Show shows a hidden one; CONTEXT outside of record.enrich.
	Hide(field string) error
	Show(field string) error
}

// Request is the HTTP request that a call belongs to. Its methods are called on the goroutine of the call, before it returns.
type Request interface {
	Method() string
	Path() string
	// URI is path and query as they were sent.
	URI() string
	// Param returns a value of the route's pattern.
	Param(name string) (string, bool)
	QueryLookup(name string) (string, bool)
	HeaderLookup(name string) (string, bool)
	// Body returns the bytes of the body; asked twice, it returns them twice.
	Body() ([]byte, error)
	RealIP() string
	// Situation is where the request comes from: default, batch, realtime, …
	Situation() string
}

// Call is what one call of a guest is about. It is read, never changed, and not used after the call returned.
type Call struct {
	// Record is the event's record; nil in routes and events without one.
	Record Record
	// Request is nil where there is none.
	Request Request
	// Auth is the record that is signed in; nil for a guest.
	Auth Record
	// Superuser says whether Auth is a superuser.
	Superuser bool
	// Verified says that the server knows who makes the request by a token in its headers, which no guest is shown.
	Verified bool
	// Limit bounds the guest's own time further, where it holds what everybody waits for; 0 where it does not.
	Limit time.Duration
	// Failure is why a write failed, in record.E.error. Its text is shown to the guest.
	Failure error
	// ID tells this call from all others, and is the same each time that it is made again. Nil where a call is made once only.
	ID func() string
	// Again tells that a call is made again by somebody who does so one at a time and with pauses: a suspension does not keep it off, and how it ends says
	// nothing about others.
	Again bool
}

// Query is what a guest asks of [Host.List].
type Query struct {
	Filter string                     `json:"filter"`
	Params map[string]json.RawMessage `json:"params"`
	Sort   string                     `json:"sort"`
	Limit  int                        `json:"limit"`
	Offset int                        `json:"offset"`
}

// Params are the parameters of a statement: JSON values by position or by name, never both.
type Params struct {
	Positional []json.RawMessage
	Named      map[string]json.RawMessage
}

// Rows are the outcome of a statement.
type Rows struct {
	// Rows holds each row as a JSON array.
	Rows [][]byte
	// Affected is how many rows the statement changed.
	Affected int64
}

// Response is a route's answer. It belongs to the receiver.
type Response struct {
	// Status is 200 and ContentType application/json unless the guest said otherwise.
	Status      int
	ContentType string
	Headers     []Header
	Body        []byte
}

// Header is one header of a [Response]: a valid name and value, and never one that frames the message or belongs to the connection.
type Header struct{ Name, Value string }
