// Package expand puts related records into answers: it reads the query parameter "expand", follows relations level by level with one
// read for all records of a level and step, bounds what that may cost, and writes the nested objects. It knows definitions of
// collections and encoded records; how records are read, and who may see them, is the business of a [Source].
//
// An [Answer] is the way in: [Answer.Steps] reads the parameter, [Answer.Rows] gathers the answered records, [Answer.Expand] adds what
// belongs below them, [AppendNodes] writes them. An answer that everybody gets expanded is bounded more tightly than one that asked
// for it (see [MaxAutoRecords] and [MaxRecords]), and leaves out what is too much instead of failing.
package expand
