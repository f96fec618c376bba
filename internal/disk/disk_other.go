//go:build !unix

package disk

import "io/fs"

// This system has no FIFOs, and opens a directory in the same way as a file.
const nonblock, noFollow, directory = 0, 0, 0

func isSpecial(error) bool { return false }

// Device returns 0, because devices have no numbers here. Whether a link is possible is seen when
// one is made.
func Device(fs.FileInfo) uint64 { return 0 }
