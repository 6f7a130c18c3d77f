// Package guests is the server's side of extensions: it loads them, binds their hooks and routes, and gives them what they may
// reach of the data.
//
// Start at [Service] in service.go. bind.go and hook.go are the way from an event to an extension, host.go, record.go and
// request.go the way from an extension back to the server, as package wasmhost asks for it. What another engine for code of
// users needs as well, and knows nothing of WebAssembly, is in access.go, sql.go and permissions.go: [Access] reads and writes
// in somebody's name ([Scope]).
//
// # Guarantees
//
// In a caller's name the rules are asked; in its own name, and in a superuser's, an extension stays within the collections that its
// description names, also where a filter leads to others. The secrets of auth records are never shown, and what decides who can
// sign in is set by those only to whom the operator has granted it: in hooks, in writes and by SQL.
//
// A set of extensions takes the place of the one before as a whole; events under way end with the versions that they began with.
package guests
