// Package realtime tells subscribers what was committed.
//
// A [Hub] holds the streams of the connected clients and the topics they listen to. Each stream is an actor that owns one
// connection; no goroutine waits on it. The Writer puts every group that it committed into the intake. Whoever locks the index next looks up
// who listens to it, so that what is committed and who subscribes are in one order. The announcer, an actor too, gives every message
// its place in the outboxes, in commit order; those for which the database or user code is asked are worked out afterwards by the
// judges, and only who is told of them waits.
//
// # Where to start reading
//
// intake.go and announcer.go are the way from a commit to the outboxes, judges.go and judge.go how a message is worked out, outbox.go and
// client.go the way from a message to the wire. index.go says who listens to what, audience.go who shares a message. What bounds all this is
// in limits.go (what topics ask for), pressure.go (what is under way), message_budget.go
// and slow_clients.go (what is kept for slow readers).
//
// # Guarantees
//
// A client gets each committed change that its topics and the rules give it once, in commit order, also across
// collections, and nothing that was rolled back. A change that was committed before [Hub.Subscribe] returned is not
// announced on the topics it added; one whose write began afterwards is.
//
// Nothing is left out silently: a client that cannot be told something, because it does not keep up, because its topics ask for more
// than there is room for, or because something could not be judged, is dropped, and so knows that there is something to fetch again. (User
// code over messages may leave a client out.) A client that keeps up and whose topics are within their limits loses nothing: when much is under
// way of a collection, writers of that collection wait in [Hub.Admit].
package realtime
