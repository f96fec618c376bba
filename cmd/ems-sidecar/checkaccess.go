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

// judged returns the account whose rights the check judges, or nil for those of this process: root may
// do more than the daemon.
func judged() *account {
	if os.Geteuid() != 0 {
		return nil
	}
	return daemonAccount()
}

// What an account may do with a directory, as bits of its mode.
const (
	enter         fs.FileMode = 0o1
	writeAndEnter fs.FileMode = 0o3
	readAndEnter  fs.FileMode = 0o5
)

// may reports whether the account has a right to a directory, which has the path p. An access control
// list may allow more than the mode: then it counts as allowed.
func (a *account) may(right fs.FileMode, p string, fi fs.FileInfo) bool {
	uid, gid, ok := ownerOf(fi)
	if !ok {
		return true
	}
	bits := fi.Mode().Perm()
	switch {
	case uid == a.uid:
		bits >>= 6
	case slices.Contains(a.groups, gid):
		bits >>= 3
	}
	return bits&right == right || hasACL(p)
}

// stoppedAt returns the first directory that keeps the account from reading dir: dir itself, or one
// above it. It returns "" if there is none. What cannot be asked about does not count: root sees it all.
func (a *account) stoppedAt(dir string) string {
	stopped := ""
	for p, right := dir, readAndEnter; ; p, right = filepath.Dir(p), enter {
		if fi, err := os.Stat(p); err == nil && !a.may(right, p, fi) {
			stopped = p
		}
		if p == filepath.Dir(p) {
			return stopped
		}
	}
}

// mayRead reports whether a, or if it is nil this process, may list the directory p and enter it.
func mayRead(root *os.Root, dir, p string, a *account) bool {
	if a == nil {
		_, err := root.Lstat(p + "/.")
		return err == nil || disk.IsGone(err)
	}
	fi, err := root.Lstat(p)
	return err != nil /* just deleted */ || a.may(readAndEnter, filepath.Join(dir, p), fi)
}
