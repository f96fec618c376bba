// Package publish decides what is uploaded, when, and in which order, so that no viewer meets a
// manifest that names an object which is not there yet. A [Schedule] is told facts: a file was
// closed, a name is gone, a request has ended, time has passed. It answers with values: the next
// [Job], when to ask again, and [Effects]. It does no I/O, starts no goroutine, and has no clock
// and no random numbers of its own. Package uploader does what it decides.
package publish
