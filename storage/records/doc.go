// Package records reads and writes the records of collections on an open database: it knows rules, filters, sorts,
// expands, the JSON of answers, and what a write does to the records that refer to it. It knows no actors and no HTTP.
//
// A [Store] is the way in. Reads ([Store.List], [Store.View]) append JSON straight from SQLite's columns; neither a map
// nor a [Record] is made on the way, unless user code is to see the records of a collection first (see [Enricher]).
// Programs search with [Store.FindAll] and what stands beside it, which give Records. Writes are commands ([Create], [Update], [Delete], [Batch]): data that is prepared
// by the caller and applied by the database's Writer, where rule, current row and constraints are looked at in the
// same transaction that writes. A command can be applied twice; it has no effect outside SQLite.
//
// Everything that is compiled belongs to one number of the catalogue. A command that was prepared under another number
// is prepared again inside the Writer.
package records
