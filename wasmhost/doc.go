// Package wasmhost runs extensions: WebAssembly modules that hook into the server and answer routes.
package wasmhost
