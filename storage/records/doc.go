// Package records reads and writes the records of collections on an open database: it knows rules, filters, sorts, the JSON of
// answers, and what a write does to the records that refer to it. It knows no actors and no HTTP. Two packages beside it know no
// records: expand follows relations and nests what it is given, project keeps the fields of an answer that a client named.
//
// A [Store] is the way in. Reads ([Store.List], [Store.View]) append JSON straight from SQLite's columns; neither a map
// nor a [Record] is made on the way, unless user code is to see the records of a collection first (see [Enricher]).
// Programs search with [Store.FindAll] and what stands beside it, which give Records. All of these are one search (search.go): who
// asks as they are now, the rule, the filter, a compiled statement.
//
// Writes are commands ([Create], [Update], [Delete], [Truncate], [Upsert], [Batch]). A command holds values and nothing of the
// request that it was made for. The caller prepares it, which hashes passwords and asks the rule before anything costly is done;
// [Store.Work] makes a unit of it for the database's Writer, where rule, current row and constraints are looked at in the same
// transaction that writes. A command can be applied twice; it has no effect outside SQLite, and its [Uploads] are stored before.
// Where user code runs around a write it is a [Draft] first. Passwords of a write whose transaction begins before it is prepared are worked
// on ahead of it ([Store.Ahead]).
//
// Some 150 names are exported, because commands, what they are made of and how they fail are values that the callers hold.
//
// Everything that is compiled belongs to one number of the catalogue. A command that was prepared under another number
// is prepared again inside the Writer.
package records
