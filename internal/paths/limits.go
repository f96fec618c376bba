// R8: bounded. A chunk takes some 350 bytes with its key, and so 1,000 streams take some 18 MB.

package paths

import "time"

const (
	// MaxChunks is how many chunks are remembered of each stream.
	MaxChunks = 50
	// maxFailures is how many failed attempts are remembered of each chunk, the last ones.
	maxFailures = 5
	// maxText is how much is remembered of why something failed, in bytes.
	maxText = 300
	// maxStreams bounds the streams that are remembered. Further ones have no paths until others are
	// forgotten.
	maxStreams = 2000
	// forgetAfter is how long a stream that has ended is remembered after its last step.
	forgetAfter = time.Hour

	// LagEvery is how long each value of a lag history is about.
	LagEvery = 10 * time.Second
	// MaxLags is how many values a lag history has: ten minutes.
	MaxLags = 60
)
