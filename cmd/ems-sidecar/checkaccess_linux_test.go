package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// nginx-rtmp makes directories with mode 0744: others see the names in it, and can open nothing.
func TestCheckFindsDirectoriesThatTheDaemonsUserCannotEnter(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"open": 0o755, "live/nginx": 0o744, "group": 0o750, "private": 0o700} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	fi, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := fi.Sys().(*syscall.Stat_t)
	for who, c := range map[string]struct {
		account *account
		closed  string
	}{
		"another user":        {&account{name: "x", uid: uint64(owner.Uid) + 1, groups: []uint64{uint64(owner.Gid) + 1}}, "group, live/nginx, private"},
		"a user of the group": {&account{name: "x", uid: uint64(owner.Uid) + 1, groups: []uint64{uint64(owner.Gid)}}, "live/nginx, private"},
		"the owner":           {&account{name: "x", uid: uint64(owner.Uid)}, ""},
		"this process":        {nil, ""},
	} {
		found, err := walk(t.Context(), dir, c.account)
		if err != nil || found.closed.String() != c.closed {
			t.Errorf("%s: %q, %v; want %q", who, found.closed, err, c.closed)
		}
	}
}
