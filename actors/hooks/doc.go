// Package hooks is the one chain of user code around what the server does. Go programs and WebAssembly extensions bind to
// the same [Hook]s; which hooks there are and what their events hold is package actors' business.
//
// A [Handler] is a function around everything inside of it: what stands before its call of the event's Next runs on the
// way in, what stands after it on the way out. Handlers run by ascending priority, those of equal priority in the order in
// which they were bound; the server's own action is the innermost of all. Who does not call Next skips all that is
// inside, and the chain reports success. An error stops the way in; handlers outside see it as the result of their Next
// and may pass it on, replace it or swallow it.
//
// Guarantees: binding and triggering are safe from any goroutine; a trigger uses the handlers of the moment in which it
// began; a handler that panics fails the chain with a *routine.Panic and takes nobody along; an event without handlers
// costs one atomic load.
package hooks
