// Package api is the REST API: one file for each resource, on top of httpx and the application's actors.
//
// Start at api.go, which lists all routes, then read records.go for the way of a request: parse, ask the store or hand a
// command to the collection's actor, answer. Errors of the layers below become answers in errors.go and nowhere else.
package api
