package publish

import (
	"time"

	"ems-sidecar/media"
)

// An ObjectInfo is what the bucket tells of an object.
type ObjectInfo struct {
	Size    int64     // bytes
	ModTime time.Time // of the file, as the writer said; zero if it did not
	Stored  time.Time // by the store's clock
	ETag    string    // without quotes; "" if the store did not tell
	// Who wrote it and what, as the writer said; "" where it did not.
	Host, Root string
	Sum        string // SHA-256 of the content, in hex
	// Untold says that it is not known whether there is an object.
	Untold bool
}

// Holds reports whether the object is the file in version v, as far as its size and time tell.
func (i *ObjectInfo) Holds(v media.Version) bool {
	return i != nil && i.Size == v.Size && i.ModTime.Equal(v.ModTime)
}
