// Package wasmhost runs extensions: WebAssembly modules that are hooked into writes and answer routes, in any language, without being able to take
// the server down.
//
// It is what stands between the server and a guest. extensions/abi.md is the contract that guests are built against; this package keeps
// the host's side of it. It knows nothing of actors, HTTP or storage: it reaches the server through [Host], [Record] and [Request], which the
// server implements, and the server reaches guests through [Extension].
//
//	m, err := wasmhost.Open(ctx, wasmhost.Options{Dir: "extensions", CacheDir: "cache", Host: host, Watch: true, Changed: bind})
//	…
//	for _, x := range m.Extensions() {
//		for n, hook := range x.Hooks() { … x.Before(ctx, n, &wasmhost.Call{Record: record}) … }
//	}
//
// [Options.Changed] is where the server binds hooks and routes: it gets the complete set before it counts, and may refuse it.
//
// # The path of a call
//
// [Extension.Before], After and Serve (extension.go) lead to run (run.go), which takes an instance out of the pool (pool.go), starts its
// clocks (clocks.go), calls the guest (instance.go), gives the instance back and judges the outcome (health.go). A guest calls back through the table in hostfuncs.go;
// the functions are in fn_record.go, fn_data.go, fn_transaction.go, fn_request.go and fn_refusal.go, and those of WASI in wasi.go. Loading is load.go and describe.go, changing is reload.go
// and watcher.go.
//
// # What is guaranteed
//
// Whatever a guest does, its call ends, in a result or in an error, soon after its own time is used up, and no other call notices:
//
//   - Modules are rewritten before they are compiled (package rewrite), so that one goroutine, the watchdog, can stop any call, and so that
//     Go's garbage collector never waits for a guest. A stopped guest ends in [ErrTimeout].
//   - Each version of a module has a runtime of its own; what modules share is the cache of compiled code. Memory, tables, depth, host calls,
//     handles, log lines and everything a guest hands over are bounded: see limits.go.
//   - Pointers and lengths are checked before they are used, texts have to be UTF-8, JSON has to be JSON. A header of an answer can neither end early nor frame
//     the message.
//   - A panic in the host or in a record during a call becomes a [*Fault] of that call, with the stack in the log.
//   - An instance that trapped, exited, ran out of time or exceeded a limit is never used again.
//   - A hook or route whose calls keep failing is suspended for a second, then longer, up to a minute: [ErrSuspended]. The module's others stay at
//     work. Who ran out of time with less than half of it because of its caller is not to blame.
//   - A call has two clocks. The guest's own stands still during calls of the host, whose time is bounded apart: when that is used up the host is BUSY, the
//     guest goes on, and nobody is to blame. [Options.Committed] says when the rest of a chain does not end with its caller.
//   - Of guests that have run for 20 ms as many run at once as there are processors but one (long.go); short calls never wait for them.
//   - What a guest began and did not end, a transaction, is rolled back with its call.
//
// A guest reaches in its own name only the collections that its description names; the names are resolved by the host first, so that an id leads nowhere else. What
// a filter can reach through relations is up to the host, which can ask [Extension.Permits].
//
// # Chains of calls
//
// A guest's write sets off hooks, also of guests, below its call. The ctx that the host gets carries that: pass it, or one made of it, on to them.
// Then nothing waits for its own ancestor: a chain that holds an instance takes an idle one or gets a temporary one, and at depth [MaxDepth] it ends with
// LIMIT, because each level is native code on the same goroutine's stack.
//
// # Changes
//
// One goroutine, the loader (loader.go), brings what is in the directory in place. It reads and hashes the files beside one another (directory.go), has what is new
// loaded by jobs (load.go), and proposes one complete set to [Options.Changed] (propose.go). Who is to blame for a set that is refused, [Blame], is left out of the
// next one, and the version before stands for it. At the start one set holds all; later whoever is ready within a quarter of a second goes first, and one that
// loops or compiles long holds nobody up. A version whose file is gone stays until it is known what came with the look that missed it: the file may have
// another name now. Calls that run end in the version they began in, and an [*Extension] that a request has looked up can be called for half a minute after it
// was replaced. Between two files with the same name in their descriptions the one that is loaded stays; at the start that is the first by file name.
//
// Events like bootstrap (raise.go) have to succeed before a version takes its place, or else take it out again.
//
// What a module says of itself, and the module as it was rewritten, are kept by the checksum of the file (entries.go), each with a checksum of its own, beside the
// compiled code (compiled.go). So a start only reads and hashes files; runtime, code and instances are made when a call first needs them (engine.go), once for all
// that wait, and given up again while other modules need the memory. Failures are kept in the same way (refusal.go): those of the content are over when it
// changes, others are tried again after a second, then longer, up to five minutes. [Manager.Refused] has them.
//
// # Costs
//
// On two cores, with 64 callers: an empty hook in C 0.3 µs, one that reads a field and sets another 0.7 µs, a route that answers JSON 0.6 µs; a hook
// with fields in Go 1.4 µs. A new instance of a C guest takes 0.05 ms, one of a Go guest some milliseconds. (go test -bench . ./wasmhost)
package wasmhost
