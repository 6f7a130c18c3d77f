// Package troupe is the way into Troupe for Go programs: a realtime backend that speaks PocketBase's API, opens its data
// directory, and runs hooks and routes of yours in the same process.
//
//	app := troupe.New(troupe.Options{Dir: "troupe_data"})
//	app.OnRecordCreate("posts").BindFunc(func(e *troupe.RecordEvent) error {
//		e.Record.Set("slug", slug(e.Record.Text("title")))
//		return e.Next()
//	})
//	err := app.Run(ctx, "127.0.0.1:8090")
//
// Hooks are bound to an [App] at any time, best before [App.Run]. Their handlers run on the goroutine of whoever caused the
// event; what stands before e.Next() runs before the server's own action, what stands after it afterwards. Pass the
// event's Context to everything that reads or writes, so that it belongs to the same transaction and does not wait for
// what it is itself a part of.
//
// The names here are aliases of those of the packages that do the work; their documentation says more.
package troupe

import (
	"github.com/troupebase/troupe/actors/app"
	"github.com/troupebase/troupe/actors/hooks"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/httpx/api"
	"github.com/troupebase/troupe/storage/records"
	"github.com/troupebase/troupe/storage/schema"
	"github.com/troupebase/troupe/storage/settings"
	"github.com/troupebase/troupe/storage/sqlite"
	"github.com/troupebase/troupe/storage/validation"
	"github.com/troupebase/troupe/wasmhost"
)

// The types of the data.
type (
	// Record is one record of a collection.
	Record = records.Record
	// Collection is the definition of a collection.
	Collection = schema.Collection
	// Find is a search of a program.
	Find = app.Find
	// Shown is a record on its way to whoever asked for it.
	Shown = records.Shown
)

// The events that hooks get.
type (
	BootstrapEvent     = app.BootstrapEvent
	TerminateEvent     = app.TerminateEvent
	ServeEvent         = api.ServeEvent
	RecordEvent        = app.RecordEvent
	RecordRequestEvent = app.RecordRequestEvent
	RecordEnrichEvent  = app.RecordEnrichEvent
)

// Handler is user code bound to a hook, with an ID and a priority.
type Handler[E hooks.Event] = hooks.Handler[E]

// The types of routes.
type (
	// Context is a request and its answer.
	Context = httpx.Context
	// Router collects routes and middlewares.
	Router = httpx.Builder
	// Middleware runs around routes.
	Middleware = httpx.Middleware
	// Error is an answer that is not a success.
	Error = httpx.Error
	// FieldErrors are failures of fields, for the Data of an [Error].
	FieldErrors = validation.Errors
)

// SyncMode says when an answered write is on disk.
type SyncMode = sqlite.SyncMode

// The sync modes: always, or after a crash of the process but perhaps not a loss of power.
const (
	SyncFull   = sqlite.Full
	SyncNormal = sqlite.Normal
)

// EncryptionKey encrypts the stored settings.
type EncryptionKey = settings.Key

// ExtensionLimits bound the calls and instances of extensions.
type ExtensionLimits = wasmhost.Limits

// NewError returns an answer with that status and message; an empty message is the default of the status.
func NewError(status int, message string) *Error { return httpx.NewError(status, message) }

// NewFieldError returns a failure of a field: a code for programs and a sentence for people.
func NewFieldError(code, message string) error { return validation.New(code, message) }

// Outcome is what an error says about whether something was written.
type Outcome = app.Outcome

// The outcomes.
const (
	// Judged: refused or failed, not written. NotDone: no room or time, not written, may be tried again. DiskFull: not
	// written. Unknown: nobody can say whether it was written. Done: it was written, what came after failed.
	Judged   = app.Judged
	NotDone  = app.NotDone
	DiskFull = app.DiskFull
	Unknown  = app.Unknown
	Done     = app.Done
)

// OutcomeOf returns what an error of a write says about whether it was written; err is not nil.
func OutcomeOf(err error) Outcome { return app.OutcomeOf(err) }

// Errors to be found with errors.Is.
var (
	// ErrNotFound is what reads fail with that find nothing.
	ErrNotFound = records.ErrNotFound
	// ErrNotOpen and ErrBegun are what an [App] says before it is opened, and when it is opened again.
	ErrNotOpen = app.ErrNotOpen
	ErrBegun   = app.ErrBegun
	// ErrTransactionTimeout says that a transaction was held for too long. Nothing of it was written.
	ErrTransactionTimeout = app.ErrTransactionTimeout
	// ErrInTransaction says that collections or settings were to be changed inside of a transaction, which cannot be.
	ErrInTransaction = app.ErrInTransaction
	// ErrDepth says that hooks wrote from within one another too often.
	ErrDepth = app.ErrDepth
)
