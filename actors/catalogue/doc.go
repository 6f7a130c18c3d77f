// Package catalogue holds the definitions of the collections, the catalogue, and changes them. Start at [Service] in service.go.
//
// A read takes the catalogue as it is, by one atomic load ([Service.Current]). A change is done by an actor, one after the other
// (worker.go), alone in the Writer and behind the gate that reads pass: the catalogue is replaced after COMMIT and before the gate opens,
// and before whoever asked for the change is answered (law 5). What is to be changed is a value ([Change]).
package catalogue
