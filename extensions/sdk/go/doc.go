// Package troupe is for writing extensions of a Troupe server in Go: hooks around what happens to records, and routes.
// It wraps ../../abi.md and adds nothing to it.
//
//	package main
//
//	import troupe "github.com/troupebase/troupe/extensions/sdk/go"
//
//	func init() {
//		troupe.Name("greeter", "1.0.0")
//		troupe.GET("/hello/{name}", func(r *troupe.Request) error {
//			return r.JSON(200, troupe.Object().Text("hello", r.Param("name")))
//		})
//	}
//
//	func main() {}
//
// Register everything in init; main never runs. Build with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags="-s -w" -o greeter.wasm
//
// Most of the package exists only for wasip1: GOOS=wasip1 GOARCH=wasm go doc shows all of it. The JSON reader and writer and
// the errors are there on every system, so that what an extension works out can be tested with plain go test.
//
// This one package is the whole surface, as in every language that has an SDK: an extension imports nothing else. That is why
// it has many names; most are the methods by which records, requests and JSON read or write one value of one type.
//
// # Errors
//
// What a handler returns ends what is under way: a [Reject] or [FieldError] is answered as it says; an [Error] of the server as
// what refused it said (a rule, a check, another extension's hook), or else with a status that fits; any other error, and a panic, is
// logged and answered with 500, without its text. Record's getters and setters
// return no errors, for brevity: the first that fails (a field that does not exist, say) fails the call when its handler
// returns nil, so that a misspelled name is seen at once and never lets something pass.
//
// # Memory and goroutines
//
// An instance of the module serves one call at a time; the package keeps buffers in package variables and is not
// goroutine-safe. Records, rows, requests and what [Object] and [Array] give are valid until the handler returns. Texts and
// byte slices are the caller's to keep. Which instance serves a call is not defined: a package variable is a cache at most.
//
// encoding/json, fmt, reflect, net/http make a module several times larger and slower to start. Everything here does
// without them.
package troupe
