//go:build !unix

package disk

import "io/fs"

// There are no FIFOs, and a directory is opened in the same way as a file.
const nonblock, noFollow, directory = 0, 0, 0

func isSpecial(error) bool { return false }

// Device returns 0: where there is no number of a device, a directory's identity has to tell, and whether a link is
// possible is seen when one is made.
func Device(fs.FileInfo) uint64 { return 0 }
