//go:build !unix

package uploader

import "io/fs"

const openNonblock = 0

// deviceOf: where there is no number of a disk, the root's identity has to tell.
func deviceOf(fs.FileInfo) uint64 { return 0 }
