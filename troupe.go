// Package troupe is the way into Troupe for Go programs: a realtime backend that speaks PocketBase's API, opens its data
// directory, and runs hooks and routes of yours in the same process.
//
//	app := troupe.New(troupe.Options{Dir: "troupe_data"})
//	app.OnRecordCreate("posts").BindFunc(func(e *troupe.RecordEvent) error {
//		e.Record.Set("slug", slug(e.Record.Text("title")))
//		return e.Next()
//	})
//	err := app.Run(ctx, "127.0.0.1:8090")
//
// # What an App does
//
//   - It serves the API, with routes and middlewares of yours: [App.Run], [App.OnServe], [Router], [Context].
//   - It runs your code around what happens to records: [App.OnRecordCreate] and its neighbours, [Hook], [RecordEvent].
//   - It reads and writes records without asking any rule: [App.FindRecords], [App.Save], [App.Delete],
//     [App.RunInTransaction], [App.OpenFile].
//   - It tells you what was committed: [App.Subscribe].
//   - It runs actors of yours beside its own: [App.Spawn].
//   - It changes collections and settings: [App.ImportCollections], [App.SaveCollection], [App.SaveSettings].
//
// The examples show each of these; begin there. The package is all that a program imports, therefore it has many names: each event has a
// type and a method that binds to it, and the types of routes and records have a name here too.
//
// # Hooks and contexts
//
// Hooks are bound at any time, best before [App.Run]. Their handlers run on the goroutine of whoever caused the event; what
// stands before e.Next() runs before the server's own action, what stands after it afterwards. Pass the event's Context to
// everything that reads or writes, so that it belongs to the same transaction and does not wait for what it is itself a
// part of.
//
// # What is promised
//
// This package, the [Context], [Router] and [Middleware] of routes, and what is said to extensions (the folder extensions)
// stay compatible within a major version. The other packages of the module are the server's own and change without notice.
// A type that is an alias here is promised as far as its comment here names what it has.
package troupe
