package media

import (
	"io/fs"
	"time"
)

// A Version tells two contents of one file name apart without reading them: EMS rewrites files in
// place and uses names again, so a name alone says nothing about its content.
type Version struct {
	Size    int64 // bytes
	ModTime time.Time
	Inode   uint64 // 0 where the platform has none
}

// VersionOf returns the version that fi describes.
func VersionOf(fi fs.FileInfo) Version {
	return Version{Size: fi.Size(), ModTime: fi.ModTime(), Inode: inode(fi)}
}

// Equal reports whether v and w describe the same content.
func (v Version) Equal(w Version) bool {
	return v.Size == w.Size && v.Inode == w.Inode && v.ModTime.Equal(w.ModTime)
}
