// Package app is the application: it opens a data directory, holds the collections and settings in memory, and runs
// the tree of actors that every write goes through.
//
// Start at [Open] in app.go. A read takes the catalogue ([App.Catalogue]) and asks the store ([App.Store]); no actor is
// involved. A write goes through [App.Writes], which has it handed, in the order of its collection, to the
// database's Writer in order. A change of collections goes through the catalogue's worker ([App.ChangeSchema]).
//
// # Guarantees
//
// Whoever hands a command in gets an answer: the outcome once the Writer has begun it, otherwise an error that says that
// nothing was written. An actor that fails is restarted and takes nothing with it, since nothing that must last lives in
// a mailbox.
package app
