//go:build !unix

package spool

import (
	"io/fs"
	"os"
	"path/filepath"
)

const openNonblock = 0

// linkBetween makes q in links another name of p in root.
func linkBetween(root, links *os.Root, p, q string) error {
	return os.Link(filepath.Join(root.Name(), filepath.FromSlash(p)), filepath.Join(links.Name(), filepath.FromSlash(q)))
}

// Whether a link is possible is seen when one is made.
func deviceOf(fs.FileInfo) uint64 { return 0 }

func fileSystem(string) (device uint64, size int64) { return 0, 0 }

func openFiles() int { return 512 }
