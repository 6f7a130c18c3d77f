// Package project makes an answer smaller: of a JSON document it keeps what a client named in the query parameter "fields", and
// shortens HTML to excerpts. It knows JSON only, neither collections nor records.
package project
