// Package actors is the actor system: a small wrapper around protoactor-go, which no other package imports. Start at
// [NewSystem]; a [Supervisor] spawns an [Actor] and gives back its [Ref], to which anybody may send.
//
// # Guarantees
//
// An actor handles its messages one at a time, in the order in which each sender sent them. A message that is a pointer costs
// no allocation beside the queue's. An actor that panics loses the message at hand and is made again, without a limit on how
// often and after a delay that grows; its neighbours and its supervisor notice nothing of that. Supervisors do no other work,
// so nothing ever fails one.
//
// Nothing that must last belongs into a mailbox, and nobody is told that a message was lost: whoever waits for an answer puts a
// channel into the message, and has a way of its own to learn that none will come.
package actors
