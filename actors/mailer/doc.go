// Package mailer sends mail: to an SMTP server, or through the local sendmail program where none is set.
//
// A [Mailer] is a service actor with a queue. [Mailer.Queue] hands a mail over and returns at once; one that could not be
// delivered for a reason that may pass is tried again after a while. [Mailer.Send] delivers one mail while its caller
// waits, and is tried once. [Compose] makes a message of a collection's template and a record.
//
// Start reading at mailer.go. The package knows no HTTP and no tokens: who sends a mail brings the values of its
// placeholders along.
//
// # Guarantees
//
// The queue is bounded, and so is each attempt. A mail that is given up is logged with its reason and never with its
// text, which holds secrets. Closing delivers what still waits, for a bounded time, and logs what was dropped. Nothing of
// the queue survives the process: whoever waits for such a mail asks for another one.
package mailer
