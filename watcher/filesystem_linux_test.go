package watcher

import "testing"

// The log names a file system as people do.
func TestFileSystemsHaveNames(t *testing.T) {
	for magic, want := range map[uint32]fileSystem{
		0xef53:     {name: "ext4"},
		0x58465342: {name: "xfs"},
		0x6969:     {name: "nfs", shared: true},
		0x1234:     {name: "local (0x1234)"},
	} {
		if got := fileSystemOf(magic); got != want {
			t.Errorf("0x%x is %+v, want %+v", magic, got, want)
		}
	}
}
