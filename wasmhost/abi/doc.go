// Package abi is the table of host functions of the extension ABI, version 1. It is the one place where they are listed: the host
// takes their types from it, and the tables of extensions/abi.md and the imports of the SDKs are generated from it.
//
//	go generate ./wasmhost/abi
//
// A test fails when a generated part is not what the table says. To add a function, add it to [Functions], generate, and implement it in
// package wasmhost, which fails to build its table otherwise.
package abi

//go:generate go test -run TestGenerated -update .
