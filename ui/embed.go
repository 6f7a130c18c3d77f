// Package ui holds the pages that the server itself serves under /_/. So far that is one: the form with which the first
// superuser is made.
package ui

import _ "embed"

// Install is the page behind the link that the server prints as long as there is no superuser. It takes the token out of
// the address and needs nothing but the REST API.
//
//go:embed install.html
var Install []byte

// InstallScript is the page's script: the policy of the pages allows none inside them.
//
//go:embed install.js
var InstallScript []byte
