// Package catalogue holds the definitions of the collections, the catalogue, and changes them. Start at [Service] in service.go.
//
// A read takes the current catalogue by one atomic load ([Service.Current]). An actor makes the changes, one after the other (worker.go).
// A change runs alone in the Writer while a gate keeps reads out. After COMMIT the catalogue is replaced, then the gate opens, and then
// whoever asked for the change is answered (law 5). What is to be changed is a value ([Change]).
package catalogue
