//go:build !unix

package disk

import "io/fs"

// Nonblock is 0 where there are no FIFOs.
const Nonblock = 0

// Device returns 0: where there is no number of a device, a directory's identity has to tell, and whether a link is
// possible is seen when one is made.
func Device(fs.FileInfo) uint64 { return 0 }
