package main

import (
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"

	"ems-sidecar/internal/disk"
)

// daemonUser is the user that the package and README make for the daemon.
const daemonUser = "ems-sidecar"

// An account is a user with the groups to which it belongs.
type account struct {
	name   string
	uid    uint64
	groups []uint64
}

// daemonAccount returns the daemon's user, or nil if this host has none of that name.
func daemonAccount() *account {
	u, err := user.Lookup(daemonUser)
	if err != nil {
		return nil
	}
	a := &account{name: u.Username}
	if a.uid, err = strconv.ParseUint(u.Uid, 10, 32); err != nil {
		return nil
	}
	ids, err := u.GroupIds()
	if err != nil {
		ids = []string{u.Gid}
	}
	for _, id := range ids {
		if gid, err := strconv.ParseUint(id, 10, 32); err == nil {
			a.groups = append(a.groups, gid)
		}
	}
	return a
}

// canRead reports whether the account may list a directory and enter it, by its mode.
func (a *account) canRead(mode fs.FileMode, uid, gid uint64) bool {
	const readAndEnter = 0o5
	bits := mode.Perm()
	switch {
	case uid == a.uid:
		bits >>= 6
	case slices.Contains(a.groups, gid):
		bits >>= 3
	}
	return bits&readAndEnter == readAndEnter
}

// mayRead reports whether a, or if it is nil this process, may list the directory p and enter it. An
// access control list may allow more than the mode: then it counts as allowed.
func mayRead(root *os.Root, dir, p string, a *account) bool {
	if a == nil {
		_, err := root.Lstat(p + "/.")
		return err == nil || disk.IsGone(err)
	}
	fi, err := root.Lstat(p)
	if err != nil {
		return true // just deleted
	}
	uid, gid, ok := ownerOf(fi)
	return !ok || a.canRead(fi.Mode(), uid, gid) || hasACL(filepath.Join(dir, p))
}
