// R8: bounded. What grows with the streams of the server is dropped when they end: some 500 bytes
// for each stream and plugin. The answers of servers are bounded by emsapi (10,000 streams), and
// what is remembered of trouble by internal/trouble.

package hooks

import "time"

const (
	// Names that are not the config's are looked up at most maxLookups times and for maxLookupTime
	// in each allowanceLasts. The addresses of maxNames of them are remembered: some 400 kB.
	allowanceLasts = time.Minute
	maxLookups     = 30
	maxLookupTime  = 5 * time.Second
	maxNames       = 1000

	// One name is reset at most once in resetWindow, and all together at most maxResets times.
	resetWindow = time.Minute
	maxResets   = 20

	// maxFileName is how much of a stream's name goes into a file's, in bytes: the server appends
	// to it, and a file system allows 255.
	maxFileName = 100

	// maxShown is how much of a stream's name goes into a log line, in bytes.
	maxShown = 200
)
