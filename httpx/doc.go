// Package httpx is Troupe's HTTP front-end: a fasthttp server, a router, the layers that every request passes, the one
// place where bodies are read, and the envelope in which errors are shown. It knows no collection and no record; who
// signs in, what is limited and what is logged come in through [Options]. The resources are in package httpx/api.
//
// Start reading at [Server], and at layers.go for the order of the layers. Programs add routes and middlewares with a [Builder]
// and swap the table they get with [Server.SetRouter].
//
// Most of what is exported are the methods of [Context] and [Builder], which have one for each way of reading a request, of
// answering and of declaring a route, as programs that embed the server expect from a router.
//
// Guarantees: a handler that panics answers 500 and takes nobody along; whatever a [Context] returns as a string, map
// or upload is a copy, nothing of fasthttp's memory survives the handler; a body is taken from the connection
// once, however many ask for it, and never beyond the limit of its route.
package httpx
