// Package sqlite keeps one SQLite file: one Writer that commits in groups, and Readers that never wait for it.
//
// It knows nothing of collections or records. What it adds to the engine is how many callers share one file safely:
//
//   - [DB.Submit] and [DB.Do] queue a [Unit] of work. The Writer, a single goroutine with the only connection that
//     writes, takes the units that wait, runs each in a savepoint of one transaction, commits once and then answers.
//   - [DB.Read] lends a [Reader], a connection that only reads, with its own cache of prepared statements.
//   - [DB.Change] runs a change of the schema so that no Reader ever sees a column under another column's name.
//   - [DB.Pin] keeps the state before the group that is being committed readable.
//
// Start reading at writer.go for writes, at pool.go for reads and at longreads.go for those that take long.
//
// # Guarantees
//
// Durability: with [Full], the default, a unit that was answered with nil has been synced to disk; with [Normal] it
// survives a crash of the process but perhaps not a loss of power. A unit that was answered with an error has left
// nothing behind, except under [ErrOutcomeUnknown], which says that the disk failed in a way that hides the answer. An error of the disk is answered
// as such only when what was written of the unit cannot come back, see outcome.go.
//
// Order: units of one source and client run in the order of their submission. Changes get their numbers in commit
// order; the numbers have no gaps, never repeat and never go back, also across restarts; only a group whose outcome was
// unknown, and that turns out to be there, has numbers that nobody was told. [Options.Committed] sees groups in
// that order, before any unit of the group is answered, and after the versions of the tables they wrote were raised.
//
// Isolation: a unit that fails takes no other unit along, whatever it does to the shared transaction: units are run again,
// each in a transaction of its own, when the transaction was lost. That is why [Work] has to be repeatable. What runs user code is not:
// such units ([Unit.Shared]) share a commit with their like alone and are run once. When theirs is lost all of them were not written, and
// everybody is told so ([ErrTakenAlong]).
//
// Versions: [DB.Version] of a table moves before a write to it is answered. What was computed from a snapshot is current as
// long as no version that was noted before the snapshot began has moved.
//
// Numbers of rows: [DB.Rows] is kept by the Writer as long as a table is written by [Tx.Run]; anything else is noticed, and the rows
// are counted again when somebody asks.
package sqlite
