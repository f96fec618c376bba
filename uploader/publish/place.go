package publish

import "io/fs"

// A Place is where a file was when it was closed. That its name is not there says that it was
// deleted only in the same root, and on the same disk below it: a disk that is not mounted has no
// files, either.
type Place struct {
	Root   fs.FileInfo
	Device uint64 // of the file's directory
}

// A Finding is what the disk says of a name that was reported to be gone.
type Finding uint8

const (
	// Deleted means that the name is gone and its place is there.
	Deleted Finding = iota
	// Undecided means that the root is not there, or that the name is. That may change.
	Undecided
	// Elsewhere means that another root, or another disk, is there now.
	Elsewhere
)
