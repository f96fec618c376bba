//go:build !unix

package spool

import (
	"os"
	"path/filepath"
)

// linkBetween makes q in links a hard link to p in root.
func linkBetween(root, links *os.Root, p, q string) error {
	return os.Link(filepath.Join(root.Name(), filepath.FromSlash(p)), filepath.Join(links.Name(), filepath.FromSlash(q)))
}

func fileSystem(string) (device uint64, size int64) { return 0, 0 }

func openFiles() int { return 512 }
