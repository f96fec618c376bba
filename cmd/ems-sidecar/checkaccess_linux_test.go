package main

import (
	"os"
	"path/filepath"
	"strings"
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
		"another user":        {other(owner.Uid, owner.Gid+1), "group, live/nginx, private"},
		"a user of the group": {other(owner.Uid, owner.Gid), "live/nginx, private"},
		"the owner":           {&account{name: "x", uid: uint64(owner.Uid)}, ""},
		"this process":        {nil, ""},
	} {
		found, err := walk(t.Context(), dir, c.account)
		if err != nil || found.closed.String() != c.closed {
			t.Errorf("%s: %q, %v; want %q", who, found.closed, err, c.closed)
		}
	}
}

// other returns a user who is not the owner, and is in a group.
func other(owner, group uint32) *account {
	return &account{name: "x", uid: uint64(owner) + 1, groups: []uint64{uint64(group)}}
}

// The watched directory itself, or one above it, may be closed, too: nginx-rtmp also makes hls_path.
func TestCheckFindsWhatKeepsTheDaemonsUserOutOfTheWatchedDirectory(t *testing.T) {
	const shared = "/tmp" // the directory of temporary files may be of one user alone
	top, err := os.MkdirTemp(shared, "ems-sidecar-test-")
	if err != nil {
		t.Skip(err)
	}
	defer os.RemoveAll(top)
	dir := filepath.Join(top, "media", "live")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		above, itself os.FileMode
		want          string
	}{
		"open":              {0o755, 0o755, ""},
		"entered unseen":    {0o711, 0o755, ""},
		"itself":            {0o755, 0o744, dir},
		"itself, unlisted":  {0o755, 0o711, dir},
		"above":             {0o744, 0o755, filepath.Dir(dir)},
		"above, and itself": {0o700, 0o700, filepath.Dir(dir)},
	} {
		for p, mode := range map[string]os.FileMode{
			top: 0o755, filepath.Dir(dir): c.above, dir: c.itself,
		} {
			if err := os.Chmod(p, mode); err != nil {
				t.Fatal(err)
			}
		}
		fi, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		owner := fi.Sys().(*syscall.Stat_t)
		as := other(owner.Uid, owner.Gid+1)
		if got := as.stoppedAt(dir); got != c.want {
			t.Errorf("%s: stopped at %q, want %q", name, got, c.want)
		}
		err = closedTo(as, dir, names{})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Root can write everywhere: its check judges the spool for the daemon's user.
func TestCheckFindsThatTheDaemonsUserCannotWriteToTheSpool(t *testing.T) {
	dir := t.TempDir()
	fi, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner := fi.Sys().(*syscall.Stat_t)
	as, place := other(owner.Uid, owner.Gid+1), filepath.Join(dir, ".ems-sidecar")
	for _, mode := range []os.FileMode{0o755, 0o777} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		err := spoolClosedTo(as, dir, place)
		if (err == nil) != (mode == 0o777) || err != nil && !strings.Contains(err.Error(), "-m 0700 "+place) {
			t.Errorf("no spool, in a directory of mode %o: %v", mode, err)
		}
	}
	if err := os.Mkdir(place, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := spoolClosedTo(as, dir, place); err == nil || !strings.Contains(err.Error(), "cannot write to "+place) {
		t.Errorf("a spool of another user: %v", err)
	}
	if err := spoolClosedTo(&account{name: "x", uid: uint64(owner.Uid)}, dir, place); err != nil {
		t.Errorf("the user's own spool: %v", err)
	}
}
