// R8: bounded. An answer takes at most some 8 MiB as bytes and 200 MB decoded, and DefaultTimeout.
// What answers may be no media server, or one that someone else controls, so that the bytes alone
// do not bound the memory: "{}," is three bytes, and a stream in memory takes several hundred. A
// server sends some 1,000 bytes, 60 values and 4 objects for each stream.

package emsapi

import "time"

const (
	maxList     = 8 << 20 // bytes of the answer to a command that lists
	maxAnswer   = 1 << 20 // bytes of the answer to another command
	maxHeader   = 64 << 10
	maxValues   = 500_000 // of an answer
	maxElements = 10_000  // of one list
	maxMembers  = 1_000   // of one object
	maxDepth    = 32
	maxMessage  = 500 // characters of what an error quotes

	// maxQuery is what of the 16 kB of headers that the server accepts is left for the query, in
	// bytes.
	maxQuery = 15 << 10
)

// DefaultTimeout is how long a server may take for one answer.
const DefaultTimeout = 5 * time.Second
