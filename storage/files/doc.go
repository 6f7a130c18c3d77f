// Package files keeps the bytes of uploaded files. Records hold only names; the bytes of one lie under the key
// <collection id>/<record id>/<name>, with a sidecar that holds the content type and the original name (the format of
// PocketBase's storage directory, so that either program serves what the other stored).
//
// Start with [Local]. A file is complete and synced before it appears under its key, and keys cannot leave the root.
package files
