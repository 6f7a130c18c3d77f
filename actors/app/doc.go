// Package app puts the server together: it opens a data directory, makes the services that work on it, hands them out and closes them.
// It does nothing else.
//
// Start at [App] in app.go, whose fields are the services; open.go says in which order they are made, close.go in which they end. A
// read takes the catalogue and asks the store; no actor is involved. A write goes through writes.Service, which has it handed, in the
// order of its collection, to the database's Writer. A change of collections goes through catalogue.Service.
package app
