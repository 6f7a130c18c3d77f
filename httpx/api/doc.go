// Package api is the REST API: one file for each resource, on top of httpx and the application's actors.
//
// Start at routes.go, the table of all routes, and endpoint.go, which says what is looked at before a handler runs; then read
// records.go for the way of a request: parse, ask the store or hand a command to the collection's actor, answer. Errors of the
// layers below become answers in errors.go, in the words of operations.go, and nowhere else.
package api
