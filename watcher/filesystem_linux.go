package watcher

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// shared lists the file systems to which others write without this kernel's knowledge: other hosts,
// a user-space server, or processes that write to the layers of an overlay. Neither inotify nor a
// lease sees them. The numbers are those of statfs(2) and the kernel's magic.h. Some are missing in
// x/sys.
var shared = map[uint32]string{
	unix.NFS_SUPER_MAGIC:       "nfs",
	unix.SMB_SUPER_MAGIC:       "smb",
	unix.SMB2_SUPER_MAGIC:      "smb2",
	unix.CIFS_SUPER_MAGIC:      "cifs",
	unix.FUSE_SUPER_MAGIC:      "fuse",
	unix.V9FS_MAGIC:            "9p",
	unix.OVERLAYFS_SUPER_MAGIC: "overlay",
	unix.CEPH_SUPER_MAGIC:      "ceph",
	unix.AFS_SUPER_MAGIC:       "afs",
	unix.AFS_FS_MAGIC:          "afs",
	unix.CODA_SUPER_MAGIC:      "coda",
	unix.NCP_SUPER_MAGIC:       "ncp",
	0x01161970:                 "gfs2",
	0x7461636f:                 "ocfs2",
	0x0bd00bd0:                 "lustre",
	0x47504653:                 "gpfs",
	0x61756673:                 "aufs",
	0x786f4256:                 "vboxsf",
	0xbacbacbc:                 "vmhgfs",
	0x19830326:                 "beegfs",
}

// local are the names of those that are met most, for the log.
var local = map[uint32]string{
	unix.EXT4_SUPER_MAGIC:  "ext4",
	unix.XFS_SUPER_MAGIC:   "xfs",
	unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.F2FS_SUPER_MAGIC:  "f2fs",
	unix.TMPFS_MAGIC:       "tmpfs",
	0x2fc12fc1:             "zfs",
}

type fileSystem struct {
	name   string
	shared bool // others may write without the kernel's knowledge
}

func statfs(root string) (fileSystem, error) {
	var st unix.Statfs_t
	if err := ignoringEINTR(func() error { return unix.Statfs(root, &st) }); err != nil {
		return fileSystem{}, fmt.Errorf("statfs %s: %w", root, err)
	}
	return fileSystemOf(uint32(st.Type)), nil // its width differs by platform
}

func fileSystemOf(magic uint32) fileSystem {
	if name, ok := shared[magic]; ok {
		return fileSystem{name: name, shared: true}
	}
	if name, ok := local[magic]; ok {
		return fileSystem{name: name}
	}
	return fileSystem{name: fmt.Sprintf("local (0x%x)", magic)}
}
