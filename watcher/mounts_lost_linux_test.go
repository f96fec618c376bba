package watcher

import (
	"maps"
	"os"
	"testing"
	"time"
)

// What is mounted and unmounted while the root is not attached is noticed when it is attached again,
// and a mount point that was removed holds nothing back.
func TestFileSystemThatIsLostBelowTheRootIsMissingUntilItIsBackOrItsMountPointIsRemoved(t *testing.T) {
	w := prepare(t, t.TempDir(), Options{Backend: Poll})
	w.mkdir("g/s")
	mounted := map[string]mount{"g/s": {id: "1", fileSystem: "xfs"}}
	w.mountsBelow = func(string) map[string]mount { return maps.Clone(mounted) }
	tr := w.tree()
	tr.mounts.watch = newMountWatch()
	defer tr.mounts.watch.close()
	defer tr.detach()
	tr.checkRoot()
	attachAgain := func() {
		tr.root.replaced = true
		tr.checkRoot()
	}
	expect := func(when string, missing int) {
		t.Helper()
		if got := tr.trouble.Holding()[mountGone.Kind]; got != missing {
			t.Errorf("%s: %d file systems are missing, want %d", when, got, missing)
		}
		if got := w.Unseen(); len(got) != missing {
			t.Errorf("%s: unseen %+v, want %d", when, got, missing)
		}
	}
	expect("at the start", 0)

	clear(mounted)
	attachAgain()
	expect("unmounted meanwhile", 1)
	tr.takeDirGone("g/s", time.Now()) // as the kernel notes an unmount
	tr.checkMounts()
	expect("its directory remains", 1)

	mounted["g/s"] = mount{id: "2", fileSystem: "xfs"}
	attachAgain()
	expect("mounted meanwhile", 0)

	clear(mounted)
	attachAgain()
	expect("unmounted again", 1)
	if err := os.Remove(w.abs("g/s")); err != nil {
		t.Fatal(err)
	}
	tr.checkMounts()
	expect("its directory is removed", 0)
}
