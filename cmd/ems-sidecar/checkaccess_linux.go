package main

import (
	"io/fs"
	"syscall"
)

// ownerOf returns who owns a file.
func ownerOf(fi fs.FileInfo) (uid, gid uint64, ok bool) {
	s, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return uint64(s.Uid), uint64(s.Gid), true
}

// hasACL reports whether a directory has an access control list beside its mode.
func hasACL(path string) bool {
	n, err := syscall.Getxattr(path, "system.posix_acl_access", nil)
	return err == nil && n > 0
}
