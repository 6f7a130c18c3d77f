// Package schema defines what is stored: collections, the types of their fields, the options of auth collections, and
// the tables and views behind them.
//
// Start with [Collection] and [Catalogue]. A Collection that is in a Catalogue never changes, so that readers need no
// lock; to change one, clone it, decode a client's JSON over it with [Collection.Decode] and hand it to a [Change], which
// normalises, validates and stores it.
//
// A [Field] type is one file and a line in the table of types. What others ask of a type are methods of the interface, so that
// they do not ask which type it is: how its values compare is its [Kind], what they mean its [Role].
// There are many exported names for that reason: each of the types of fields is an exported struct, since programs build collections
// of them, and has the same dozen of methods. Who knows one knows all.
//
// What the package guarantees: a Change either stores row, table, indexes and dependent views together or, when the
// caller rolls back, nothing of it; what [Load] reads afterwards is what [Change.Collections] says; answers made by
// [Collection.AppendAPI] hold no secrets.
//
// Everything is in the format of PocketBase's data directory. Where the package takes a strange turn it is because
// directories and clients of that program depend on it, and a test says so.
package schema
