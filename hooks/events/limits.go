// R8: bounded. Whatever is posted, an Endpoint takes at most some 60 MB, and never blocks its
// sender for long.

package events

import "time"

const (
	// Connections take some 40 kB each, with a small body.
	maxLocal     = 256      // connections at once from this host, where the media server is as a rule
	maxPerSource = 128      // from one other source
	maxOthers    = 512      // from all of those
	maxHeader    = 16 << 10 // bytes
	readTimeout  = 5 * time.Second

	// A body is small up to largeBody bytes; the server's longest is half of that. Of larger ones,
	// up to max_body of [Hooks], maxLarge are read at once.
	largeBody = 48 << 10
	maxLarge  = 16

	maxDepth    = 64        // of XML elements in each other; the server's lie less than ten deep
	maxElements = 16 * 1024 // of XML; the longest event, with the server's whole config, has some hundred

	// Events that wait take maxWaiting bytes in all. Beyond it, new ones are dropped.
	maxWaiting   = 32 << 20
	overhead     = 1 << 10 // bytes of an event beside those of its request
	maxArrivals  = 4096
	maxPerStream = 64 // events; beyond it, the oldest one of the stream is dropped
	maxStreams   = 4096
	workers      = 8 // events handled at once

	// lookPause is the least time between two looks, except at a restart. Gaps are normal where the
	// server's logger filters events, and anyone with access can post what is no event.
	lookPause = 5 * time.Second

	// maxHeld is how many events of one process wait for those with smaller ids.
	maxHeld = 2048
	// remembered is how many ids back a duplicate of an event is recognized. It takes 64 kB for
	// each process.
	remembered = 4096
	// maxRuns is how many processes are known by their ids: the server's, and some of the runs
	// before, for their stragglers.
	maxRuns = 8

	// maxTypes bounds the types that are counted. The server has some 60.
	maxTypes = 100
)
