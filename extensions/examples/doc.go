// Package examples holds extensions for people to begin with, and the tests that load, call and build them. The folder of a language
// that has an SDK has slugs, which shows hooks and routes, and bench, which only computes; shop, which shows transactions, is there in Rust and
// Zig, too.
package examples
