package disk

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// mount mounts an empty file system over dir, if that is allowed.
func mount(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount("none", dir, "tmpfs", 0, ""); err != nil {
		t.Skip("cannot mount: ", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }) // most are unmounted already
}

func unmount(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Unmount(dir, 0); err != nil {
		t.Fatal(err)
	}
}

func TestEmptyDirectoryOnAnotherDeviceIsTheMountPointOfAHome(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	h := NewHome(path, new(Calls))
	mount(t, path)
	look(t, h, Found)
	home := h.Directory()

	unmount(t, path)
	look(t, h, Unmounted)
	look(t, h, Same)
	if !h.IsUnmounted() || h.Directory() == home {
		t.Error("the mount point is the home")
	}
	if err := os.WriteFile(filepath.Join(path, "1.ts"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	look(t, h, Same) // what is written to a mount point does not make it the home
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	look(t, h, Gone)
	if !h.IsUnmounted() {
		t.Error("a home that was unmounted, and whose mount point is gone, is mounted")
	}
	if err := os.MkdirAll(filepath.Join(path, "g"), 0o755); err != nil {
		t.Fatal(err)
	}
	look(t, h, Unmounted) // still the device of the mount point

	mount(t, t.TempDir()) // has the number of the former device
	mount(t, path)
	if err := os.Mkdir(filepath.Join(path, "g"), 0o755); err != nil {
		t.Fatal(err)
	}
	look(t, h, Remounted)
	if h.IsUnmounted() {
		t.Error("what is mounted is a mount point")
	}
	unmount(t, path)
	look(t, h, Replaced) // a directory on another device that is not empty is no mount point
}
