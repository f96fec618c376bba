// R8: bounded. A spool keeps links and open files, and copies no content. So its limits are for
// disk space and descriptors.

package spool

const (
	// DefaultMax is the budget of a file system, in bytes, if the config names none: this, or a
	// tenth of the file system. It counts files whose names are gone.
	DefaultMax = 10 << 30
	// leastHeld is how many files each spool may hold open in any case. By default, all spools
	// together may hold half of the process's limit of open files.
	leastHeld = 16
	// scanSlice is how many names a scan reads before callers are served.
	scanSlice = 32
)
