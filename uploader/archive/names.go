package archive

import (
	"path"
	"strings"
	"time"
)

// The names below the directory of a stream.
const (
	Dir       = "archive"
	ClipDir   = "clips"
	DVRName   = "dvr.m3u8"
	wholeName = "playlist.m3u8"
)

// up leads from the directory of an hour or a clip to that of the stream.
const up = "../../"

// stamp is how a time is written in a name: it sorts, and no file system or URL objects to it.
const stamp = "2006-01-02T15-04-05Z"

// A Name is the place of one playlist below the directory of its stream.
type Name struct {
	Start time.Time // of the broadcast
	Began time.Time // of the hour; zero: it is the whole broadcast
}

// Path returns the path below the directory of the stream.
func (n Name) Path() string {
	file := wholeName
	if !n.Began.IsZero() {
		file = n.Began.UTC().Format(stamp) + ".m3u8"
	}
	return path.Join(Dir, n.Start.UTC().Format(stamp), file)
}

// Compare orders names by time. A whole broadcast is behind its hours.
func (n Name) Compare(m Name) int {
	switch {
	case !n.Start.Equal(m.Start):
		return n.Start.Compare(m.Start)
	case n.Began.IsZero() != m.Began.IsZero():
		return -n.Began.Compare(m.Began)
	}
	return n.Began.Compare(m.Began)
}

// ParseName reads a path below the directory of a stream. ok is false if it is none of an archive.
func ParseName(p string) (n Name, ok bool) {
	parts := strings.Split(p, "/")
	if len(parts) != 3 || parts[0] != Dir {
		return Name{}, false
	}
	start, err := time.Parse(stamp, parts[1])
	if err != nil {
		return Name{}, false
	}
	if parts[2] == wholeName {
		return Name{Start: start}, true
	}
	began, err := time.Parse(stamp, strings.TrimSuffix(parts[2], ".m3u8"))
	return Name{start, began}, err == nil && strings.HasSuffix(parts[2], ".m3u8")
}

// ClipPath returns the path of a clip below the directory of its stream.
func ClipPath(name string) string { return path.Join(ClipDir, name, wholeName) }

// IsClip reports whether p, below the directory of a stream, is a clip's playlist.
func IsClip(p string) bool {
	parts := strings.Split(p, "/")
	return len(parts) == 3 && parts[0] == ClipDir && parts[2] == wholeName
}

// raised returns a URI of the live playlist as it is from the directory of an hour or a clip.
func raised(uri string) string {
	if i := strings.IndexAny(uri, ":/?#"); i == 0 && uri[0] == '/' || i > 0 && uri[i] == ':' {
		return uri // of a host, or a whole path
	}
	return up + uri
}

// lowered undoes raised.
func lowered(uri string) string { return strings.TrimPrefix(uri, up) }
