// Package contract holds recorded conversations with the reference server, PocketBase v0.39, and the test that replays them:
//
//	go test ./contract            # all of them
//	go test -short ./contract     # a sample of each area
//	go test ./contract -run 'TestCases/auth-otp$' -v
//
// A case is a file below testdata: requests, event streams, mails and sign-ins at a provider, each with the answer
// that the reference gave. A case that passes is one in which a client cannot tell the servers apart. The file format is
// described in README.md. Cases in testdata/cases run with expand-all off, as the reference knows no such thing; those in
// testdata/cases-fork show what Troupe adds, and run with default options.
//
// contract.todo at the root of the repository names what does not pass: whole cases that are not built yet, and single
// steps that differ on purpose. It is a ratchet: what it names must fail, everything else must pass.
//
// Start reading at contract_test.go; world_test.go is what a case has around it, step_test.go does a step, and
// match_test.go compares.
package contract
