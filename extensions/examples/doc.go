// Package examples holds extensions for people to begin with, the same in every language that has an SDK, and the tests that
// load, call and build them. The folder of a language has slugs, which shows hooks and routes, and bench, which only
// computes.
package examples
