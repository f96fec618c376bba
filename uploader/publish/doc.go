// Package publish decides what is uploaded, when, and in which order, so that no viewer meets a
// manifest that names an object which is not there yet. A [Schedule] is told facts: a file was
// closed, a name is gone, a request has ended, time has passed. It answers with values: the next
// [Job], when to ask again, and [Effects]. It does no I/O, starts no goroutine, and has no clock
// and no random numbers of its own. Package uploader does what it decides.
//
// docs/design.md has the words and the rules R1 to R10. The first comment of a file names the rule
// that the file owns. testdata has a script for each rule, to be read like a conversation.
package publish
