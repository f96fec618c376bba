package metrics

import (
	"context"

	"ems-sidecar/internal/trouble"
	"ems-sidecar/uploader"
)

// A Source is asked once for each scrape. It does not wait longer than ctx.
type Source func(ctx context.Context) Facts

// Facts are what the daemon tells of itself, as of one moment.
type Facts struct {
	Uploader   *uploader.Facts // nil: it does not answer
	Roots      []Root          // by directory
	EMS        *EMS            // nil: nothing needs the media server
	Troubles   []trouble.Count // since the start
	Conditions map[string]int  // troubles that last now, by kind
}

// A Root is a watched directory.
type Root struct {
	Dir       string
	Ready     bool // it is watched and scanned, and its file system answers
	Degraded  bool // the kernel does not watch all of it: it is scanned again and again
	Watches   int  // directories that the kernel watches
	Dirs      int
	Files     int
	Overflows int // of the kernel's queue
	Refusals  int // of leases
}

// An EMS is what the daemon has to do with the media server.
type EMS struct {
	Answers bool // its API answered when it was last asked
	Events  Events
}

// Events are counts of the media server's events.
type Events struct {
	Taken                                               map[string]uint64 // by type
	Lost, Missing, Duplicates, Dropped, Refused, Broken uint64
	WaitingBytes                                        int64
}
