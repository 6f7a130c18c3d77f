// Package rewrite makes any WebAssembly module interruptible and bounds its recursion, by changing the module before it is compiled.
//
// wazero's compiled code runs to its end: a guest in an endless loop cannot be stopped, and because Go's garbage collector waits for every
// goroutine to reach a safe point, it stalls the whole process. wazero's own remedy, WithCloseOnContextDone, leaves the native code at every
// pass of every loop, which costs 4 to 8 times the run time, and it sees loops only: endless recursion ends when 170 MB of stack are used up.
// [Module] adds instead
//
//   - a counter, the fuel, that goes down at loop headers and function entries. When it is used up, the guest looks at the stop flag and traps if
//     it is set. Once per interval it also leaves the native code, through memory.grow by nothing, which lets the garbage collector
//     and other goroutines in.
//   - a depth that is raised at the entry of functions that may call themselves, directly or by way of others, and lowered at their exits. The
//     guest traps beyond the limit.
//
// Measured against the original: 0 to 12 % for a Go guest, 0 to 18 % for loops in C and AssemblyScript, 60 % for a function that does nothing but
// call itself (go test -bench Rewritten).
//
// Indices of functions, types and globals stay as they were: what is added comes last. Start reading at rewrite.go; the steps are parse
// (module.go), scan (scan.go), metering (graph.go, metering.go) and assemble (emit.go, added.go, assemble.go).
//
// # Guarantees
//
// Whatever the bytes, Module returns an error or a module and does not panic, in time and memory proportional to their number. No list is
// believed to be longer than the file, so Module is also a guard before the compiler, which does believe it. What the guard cannot see to
// be wrong may still be invalid; the compiler says so.
//
// Between two looks at the stop flag a guest runs at most as many pieces of 4 KiB of code as the depth limit says, some milliseconds if it tries
// hard, and host functions. Bulk operations on memory and tables count by their length.
//
// Not counted is recursion through the host: whoever lets a host function call back into the same instance bounds that.
//
// # Stopping a guest
//
// The exported global [StopGlobal] is set to 1 with wazero's api.MutableGlobal, from any goroutine while the guest runs. That is an aligned
// store of which only the lowest byte changes, and the guest's native code, which the race detector does not see, reads it with one load:
// it sees either value. The memory model has no more to say, since nothing else is passed that way. Goroutines of the host that access
// the flag (one that stops a call, one that clears it or makes the next call) have to exclude one another with a lock, as for any other variable.
//
// An instance whose call trapped, for whatever reason, is in an undefined state and has a depth that is too large: throw it away. After a call
// that returned, nothing has to be reset.
package rewrite
