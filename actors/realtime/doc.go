// Package realtime tells subscribers what was committed.
//
// A [Hub] holds the streams of the connected clients and the topics they listen to. Each stream is an actor that owns one
// connection; no goroutine waits on it. The announcer, an actor too, gets every group that the Writer committed, works
// out the audiences of each change, and hands each audience the same bytes.
//
// # Where to start reading
//
// announcer.go is the way from a commit to the messages, outbox.go and client.go the way from a message to the wire,
// index.go says who listens to what, audience.go who shares a message.
//
// # Guarantees
//
// A client gets each committed change that its topics and the rules give it once, in commit order, also across
// collections, and nothing that was rolled back. A change that was committed before [Hub.Subscribe] returned is not
// announced on the topics it added; one whose write began afterwards is.
//
// A client that does not read is dropped after the write deadline or when its outbox is full, whichever comes first, and
// slows nobody down until then. Clients that do read lose nothing: when more is owed to them than the hub holds,
// [Hub.Committed] waits, and so do the writers.
package realtime
