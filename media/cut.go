package media

import (
	"bytes"
	"strings"
)

// CutPlaylist returns a Media Playlist without the segments at its end for which gone returns true,
// and how many those are. What follows the last segment, such as EXT-X-ENDLIST, stays. If no
// segment is left, it returns nil.
func CutPlaylist(b []byte, gone func(uri string) bool) (cut []byte, n int) {
	kept, last := 0, 0 // the ends of the lines of the last segment that stays, and of the last one
	for at := 0; at < len(b); {
		length := bytes.IndexByte(b[at:], '\n') + 1
		if length == 0 {
			length = len(b) - at
		}
		line := strings.TrimRight(string(b[at:at+length]), "\r\n \t")
		at += length
		if line == "" || strings.HasPrefix(line, "#") || at == length {
			continue // not a URI; the first line is #EXTM3U
		}
		last = at
		if n++; !gone(line) {
			kept, n = at, 0
		}
	}
	if kept == 0 {
		return nil, n
	}
	return append(bytes.Clone(b[:kept]), b[last:]...), n
}
