// R8: bounded. A log that is not read takes at most 4 MB.

package logqueue

const (
	// maxBytes bounds the lines that wait: minutes of a busy daemon's log.
	maxBytes = 4 << 20
	// overhead is what an entry costs besides its line, so that short lines are bounded, too.
	overhead = 64
)
