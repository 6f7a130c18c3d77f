// Package writes is the way in for everything that is written to records, whoever asks: requests and the parts of a batch, programs,
// extensions, sign-ins. Start at [Service] in service.go; the hooks that run around writes are [Hooks], the order of them is in
// save.go.
//
// A write without hooks is a command that goes to the actor of its collection (collection.go), which hands it to the database's Writer
// in order. One with hooks works on a draft, on the caller's goroutine, with the record locked against other chains (record_locks.go).
// Where a hook is atomic all of that is one transaction (atomic.go), which the Writer lends to the caller's goroutine (exclusive.go).
// Inside of a transaction (transaction.go) commands are applied at once. The context says which chain of calls a write belongs to
// (scope.go).
//
// # Guarantees
//
// Whoever hands a command in gets an answer: the outcome once the Writer has begun it, otherwise an error that says that nothing was
// written. An actor that fails is restarted and takes nothing with it, since nothing that must last lives in a mailbox. Files and
// records agree after a crash (files.go).
package writes
