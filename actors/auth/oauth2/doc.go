// Package oauth2 asks OAuth2 and OpenID Connect providers who somebody is: the providers that PocketBase knows, and any
// other by OpenID Connect.
//
// A [Provider] is a registration of a collection joined with what is known of the provider, which is data (table.go): its
// addresses, its scopes, and which of its answers mean what. [Provider.Begin] makes the address that a person is sent to; a
// [Client] turns the code that the person comes back with into a [User], and downloads pictures. Which record that user is,
// and what is written for it, is decided by package actors.
//
// Start reading at provider.go. The package knows neither records nor HTTP requests that come in.
//
// # Guarantees
//
// Everything that is asked of a provider is bounded in time and size. An email is only reported when the provider says that
// it was verified. An id_token with a key set must be signed by a key of that set, with the algorithm that the key names: no
// secret, no "none", and no public key taken for a secret. Pictures come from public addresses only. No secret, code or
// token is put into an error.
package oauth2
