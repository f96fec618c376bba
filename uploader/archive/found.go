package archive

import (
	"fmt"
	"strings"
	"time"

	"ems-sidecar/hls"
)

// A Found is a chunk that was published and is in no list, as the bucket tells of it.
type Found struct {
	URI    string
	Closed time.Time
	Size   int64
}

// Restored returns the version in which chunks were published that were found by their names. They
// are in order. like is a list of the same stream. end is when the segment before them ended; the
// zero time: that is not known. What closed when tells how long each is.
func Restored(found []Found, like *hls.Playlist, end time.Time) (Version, error) {
	target := like.TargetDuration
	if target <= 0 {
		target = time.Second
	}
	v := Version{Chunks: make(map[string]Chunk, len(found)), Restored: true}
	var text strings.Builder
	fmt.Fprintf(&text, "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:%g\n", target.Seconds())
	if n := len(like.Segments); n > 0 && like.Segments[n-1].Map() != nil {
		fmt.Fprintf(&text, "#EXT-X-MAP:URI=%q\n", like.Segments[n-1].Map().URI)
	}
	for _, f := range found {
		length := f.Closed.Sub(end)
		if length <= 0 || length > target {
			length = target
		}
		fmt.Fprintf(&text, "#EXTINF:%.3f,\n%s\n", length.Seconds(), f.URI)
		v.Chunks[f.URI], end, v.At = Chunk{f.Closed, f.Size}, f.Closed, f.Closed
	}
	var err error
	v.List, err = hls.Parse([]byte(text.String()))
	return v, err
}
