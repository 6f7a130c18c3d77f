// Package abi is the table of host functions of the extension ABI, version 1. It is the one place where they are listed: the host
// takes their types from it, and the tables of extensions/abi.md, the imports of the SDKs and the headers of the guests that the host is
// tested with are generated from it.
//
//	go generate ./wasmhost/abi
//
// A test fails when a generated part is not what the table says. To add a function, add it to [Functions], generate, build the guests of the
// tests (wasmhost/testdata/build.sh), implement it in package wasmhost and give it arguments in the goodArgs of its tests: each of these
// fails a test when it is forgotten.
package abi

//go:generate go test -run TestGenerated -update .
