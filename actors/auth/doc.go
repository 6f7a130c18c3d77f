// Package auth is what an auth collection can do beyond a base one, but for signing in, which is package signin above:
// tokens, the work on passwords, and what records ask for by mail.
//
// A [Verifier] tells who a token belongs to and remembers the answer while nothing it rests on has moved; [Issue] makes
// tokens. [Passwords] hashes and compares a few at a time, for the whole server. [Confirmations] are the changes of a
// record that it confirms with a mailed token, [Mails] what is mailed. [Superusers] is what the command line does with
// superusers, and the account of the installer. They read and write through [Data], which asks no rule.
//
// Start reading at verifier.go, then data.go. The package knows no HTTP: it returns typed errors, and the layer above says
// what a client sees of them.
//
// # Guarantees
//
// A token stops counting before the write that ends it is answered: a new password, a deleted record, another secret. A
// link that was mailed is used once. No password and no token is ever logged or put into an error.
package auth
