// Package filter is the expression language of rules, of the filter and sort parameters of lists, and of subscription
// options: it parses an expression, resolves its identifiers against the collections, and makes one SQL query of it.
//
// The way of an expression: [Parse] makes an [Expr]; a [Builder] takes the rule, the client's filter and the sort of
// one request (they share their joins) and makes a [Query]; [Query.Bind] sets its parameters for one request. A Query
// holds no values: it fits every request with the same [Shape], so that both halves can be cached.
//
// What an expression reads of a request is a [Request]. Its query parameters and headers come from a [Source]: the running
// request, or a [Snapshot] of it where the expression is evaluated later or elsewhere.
//
// Nothing that a client wrote gets into the text of a query. Identifiers come from the definitions of the collections,
// everything else is a bound parameter.
//
// What the operators mean when types differ, values are missing or a path has many values follows SQLite's comparison
// rules and is visible to clients; the comments name the places where that decides.
package filter
