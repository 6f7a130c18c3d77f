// Package auth is what an auth collection can do beyond a base one: tokens, passwords, and signing in with them.
//
// A [Verifier] tells who a token belongs to and remembers the answer while nothing it rests on has moved. A [Desk] signs
// records in: it finds the record behind an identity, compares passwords on the few places of a [Passwords], and judges
// the collection's auth rule. [Superusers] is what the command line does with superusers, and the account of the
// installer.
//
// Start reading at verifier.go. The package knows no HTTP: it returns typed errors, and the layer above says what a client
// sees of them.
//
// # Guarantees
//
// A token stops counting before the write that ends it is answered: a new password, a deleted record, another secret.
// Signing in takes as long for an unknown identity as for a wrong password. No password and no token is ever logged or put
// into an error.
package auth
