package api

import (
	"context"
	"time"

	"github.com/troupebase/troupe/actors/auth"
	"github.com/troupebase/troupe/httpx"
)

// Sentences and addresses that answers have.
const (
	LoadFailed    = loadFailed
	TooBusy       = tooBusy
	NoAuthContext = noAuthContext
	OAuth2Failure = oauth2Failure
)

// What is said where a client secret for Apple is not made.
var (
	AppleRefused  = checkingApple.message
	AppleUnsigned = signingApple.otherwise
)

// Bounds that tests fill up. No answer names them.
const (
	MaxReturn         = maxReturn
	FreeEmptyLists    = freeEmptyLists
	MaxEmptyListDelay = maxEmptyListDelay
	MaxListedRecord   = maxListedRecord
)

// UploadDir is in the way of nothing but a test that blocks it.
const UploadDir = uploadDir

// HTTP is the server below, whose policy and routes change while it serves.
func (a *API) HTTP() *httpx.Server { return a.server }

// Verifier is what requests are verified by: a test goes the way of a subscription one step at a time.
func (a *API) Verifier() *auth.Verifier { return a.verifier }

// OnPause calls fn in place of the pauses that guests make who guess by filters.
func (a *API) OnPause(fn func(d time.Duration)) {
	a.guards.empty.pause = func(_ context.Context, d time.Duration) { fn(d) }
}
