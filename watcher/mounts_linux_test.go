package watcher

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A file system that is mounted below the root after the start is watched, what it hides is gone,
// and back with its end.
func TestFileSystemThatIsMountedBelowTheRootIsWatched(t *testing.T) {
	for name, how := range map[string]struct {
		over string // the mount point, below the root
		bind bool
	}{"new directory": {"g/new", false}, "over live files": {"g/s", false}, "bind mount": {"g/s", true}, "with a blank": {"g/a b", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, other := t.TempDir(), t.TempDir()
			point := filepath.Join(root, how.over)
			if err := os.MkdirAll(point, 0o755); err != nil {
				t.Fatal(err)
			}
			write := func(dir, name string) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			write(point, "before.ts")
			events := make(chan Event)
			w := New(root, Options{Backend: Inotify})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- w.Run(ctx, events) }()
			t.Cleanup(func() { cancel(); <-ended })
			see := func(op Op, name string) {
				t.Helper()
				late := time.After(30 * time.Second)
				for {
					select {
					case e := <-events:
						if e.Op == op && e.Path == how.over+"/"+name {
							return
						}
					case <-late:
						t.Fatalf("%s is never %v", name, op)
					}
				}
			}
			see(Closed, "before.ts")
			var err error
			if how.bind {
				write(other, "there.ts")
				err = syscall.Mount(other, point, "", syscall.MS_BIND, "")
			} else {
				err = syscall.Mount("test", point, "tmpfs", 0, "size=1m")
			}
			if err != nil {
				t.Skip("cannot mount: ", err)
			}
			mounted := true
			t.Cleanup(func() {
				if mounted {
					syscall.Unmount(point, syscall.MNT_DETACH)
				}
			})
			see(Removed, "before.ts")
			write(point, "1.ts")
			see(Closed, "1.ts")
			write(point, "2.ts") // by a watch, or each scan would have to find it
			see(Closed, "2.ts")
			if err := syscall.Unmount(point, 0); err != nil {
				t.Fatal(err)
			}
			mounted = false
			see(Closed, "before.ts")
			write(point, "after.ts")
			see(Closed, "after.ts")
		})
	}
}

func TestMountsBelowTheRootAreFoundInTheTable(t *testing.T) {
	const table = "36 35 98:0 / /srv/media rw - ext4 /dev/root rw\n" +
		"37 36 0:30 / /srv/media/g rw,noatime shared:1 - tmpfs tmpfs rw\n" +
		"38 36 0:31 / /srv/media/a\\040b\\134 rw - nfs4 host:/x rw\n" +
		"39 37 0:32 / /srv/media/g rw - xfs /dev/sdb rw\n" +
		"40 35 0:33 / /srv/media2/g rw - xfs /dev/sdc rw\nbroken\n41 - x\n"
	got := parseMounts(table, "/srv/media")
	if len(got) != 2 || got["g"] != (mount{id: "39", fileSystem: "xfs"}) || got[`a b\`] != (mount{id: "38", fileSystem: "nfs4"}) {
		t.Errorf("%+v", got)
	}
}
