// R8: bounded. A scrape takes at most 80 MB, whatever names the publishers choose.

package metrics

const (
	// maxStreams is how many streams have series of their own, the worst first. Each takes some
	// 8 kB for the length of a scrape.
	maxStreams = 10_000
	// maxExemplar is how many characters of a key an exemplar has. OpenMetrics allows 128 with the
	// label's name.
	maxExemplar = 128 - len("key")
)
