package media

import (
	"io/fs"
	"time"
)

// A Version distinguishes two contents of one file name without reading them: EMS rewrites files in
// place and reuses names, so that a name alone says nothing about the content.
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
