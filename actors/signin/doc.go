// Package signin is the one order in which somebody signs in to an auth collection, whatever they show for it.
//
// An [Attempt] brings a [Credential] to [Service.SignIn], which leads it through the stages in the only place that names their
// order: admission, credential, permission, second factor, origin, token, alert. A stage that refuses ends the attempt, and
// nothing of a later stage has happened then. What the stages before have done stays: a one-time password that was right is
// used up, whatever comes after.
//
// Each kind of credential is one file with one type: [Password], [OTP], [OAuth2], and [Refresh] and [Impersonation], which
// give a token to somebody without a sign-in of their own, and so without second factor, origin and alert. Another kind is
// one more file: it says what it is called, whether a collection takes it, whom it claims to be and whether that is true.
//
// What it writes goes through package writes; what it reads, and what the server itself notes, through auth.Data.
//
// Start reading at signin.go, then credential.go. The package knows no HTTP: it returns typed errors, and the layer above
// says what a client sees of them. Tokens, the places where passwords are worked on, superusers and what goes by mail
// stand in package auth below.
//
// # Guarantees
//
// An unknown identity costs as much work as a wrong password or code. A code, and a session that waits for a second factor,
// is used once, also when it comes many times at once. Credentials that are short enough to be guessed are tried a few times
// only. No password, code or token is ever logged or put into an error.
package signin
