// Package settings holds the one document that configures a server at run time: who it is, how it sends mail, where
// files and backups go, and its limits.
//
// A [Settings] value is read by many goroutines at once and is therefore never changed: a change is a [Settings.Merge]
// on a [Settings.Clone], a [Settings.Validate] and a [Save] in a write transaction, after which the holder swaps the
// pointer. [Load] and [Save] keep it in the row "settings" of the table _params, encrypted when a key is configured.
// Answers to clients are made by [Settings.AppendAPI], which leaves secrets out.
package settings
