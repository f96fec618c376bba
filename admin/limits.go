// R8: bounded. At most 128 connections at once, with headers of at most 8 kB. The stacks of all
// goroutines are cut: the daemon stands still while they are written.

package admin

import "time"

const (
	maxHeader    = 8 << 10 // bytes
	maxLocal     = 64      // connections at once from this host
	maxPerSource = 16      // from one other source
	maxOthers    = 64      // from all of those
	maxStacks    = 1 << 20 // bytes: of some 1,000 goroutines
)

const (
	// stacksEvery is how often the stacks of all goroutines are read at most.
	stacksEvery = time.Second
	// maxPlaying is how many objects are read at once for players: uploads have the line.
	maxPlaying = 4
	// playTime is how long one object may take.
	playTime = time.Minute
)
