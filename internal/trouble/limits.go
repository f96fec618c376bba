// R8: bounded. A Reporter takes at most 10 MB, whatever names the publishers choose, and its log
// lines are limited, too.

package trouble

const (
	// maxFailures bounds the failures that are remembered for a minute or two. Each takes at most
	// 5 kB: some ten attributes of maxValue bytes.
	maxFailures = 1000
	// maxConditions bounds the conditions that are remembered. Each takes some 250 bytes.
	maxConditions = 10_000
	// maxCounts bounds the pairs of kind and stream that are counted. Each takes some 500 bytes.
	// The counts of streams beyond are moved to Others.
	maxCounts = 2000
	// maxLines bounds, for each kind, the lines between two calls of Sweep, and those of one Sweep.
	maxLines = 100
	// maxStream is how much of a stream's name is used, in bytes.
	maxStream = 200
	// maxValue is how much of an attribute's value is kept for the line that sums up, in bytes.
	maxValue = 300
	// maxText is how much of an event's text is kept, in bytes.
	maxText = 480
)
