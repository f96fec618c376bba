// R8: bounded. At most 128 connections at once, with headers of at most 8 kB.

package admin

const (
	maxHeader    = 8 << 10 // bytes
	maxLocal     = 64      // connections at once from this host
	maxPerSource = 16      // from one other source
	maxOthers    = 64      // from all of those
)
