package emswriter

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// playlist returns the playlist's text. Byte for byte the form of a rolling one was recorded; an
// appending one has a type line instead of ALLOW-CACHE, as its recorded length tells.
func (h *HLS) playlist() string {
	entries, sequence := h.listed, 1
	if !h.Appending {
		entries = entries[max(0, len(entries)-h.listLength()):]
		sequence = h.number - len(entries) + 1
	}
	var b strings.Builder
	version := 3
	if len(h.Init) > 0 {
		version = 6
	}
	fmt.Fprintf(&b, "#EXTM3U\r\n#EXT-X-VERSION:%d\r\n", version)
	if h.Appending {
		b.WriteString("#EXT-X-PLAYLIST-TYPE:EVENT\r\n")
	} else {
		b.WriteString("#EXT-X-ALLOW-CACHE:NO\r\n")
	}
	fmt.Fprintf(&b, "#EXT-X-TARGETDURATION:%d\r\n", int(math.Ceil(h.target.Seconds())))
	fmt.Fprintf(&b, "#EXT-X-MEDIA-SEQUENCE:%d\r\n", sequence)
	if len(h.Key) > 0 {
		fmt.Fprintf(&b, "#EXT-X-KEY:METHOD=AES-128,URI=\"%s\"\r\n", h.keyName())
	}
	if len(h.Init) > 0 {
		fmt.Fprintf(&b, "#EXT-X-MAP:URI=\"%s\"\r\n", h.initName())
	}
	fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\r\n", entries[0].at.UTC().Format("2006-01-02T15:04:05.000-07:00"))
	for _, e := range entries {
		fmt.Fprintf(&b, "#EXTINF:%.3f,\r\n%s\r\n", e.duration.Seconds(), e.name)
	}
	return b.String()
}

func (h *HLS) name(number int) string {
	return fmt.Sprintf("%s_%d_%d%s", h.base(), h.run, number, h.extension())
}

func (h *HLS) extension() string {
	if len(h.Init) > 0 {
		return ".m4s"
	}
	return ".ts"
}

func (h *HLS) keyName() string  { return fmt.Sprintf("%d.key", h.run) }
func (h *HLS) initName() string { return fmt.Sprintf("init_%d.mp4", h.run) }

func (h *HLS) base() string    { return cmp.Or(h.Base, "segment") }
func (h *HLS) listLength() int { return cmp.Or(h.List, 5) }
func (h *HLS) stale() int      { return cmp.Or(h.Stale, h.listLength()) }

// A Variant is one stream of a group's master playlist.
type Variant struct {
	Stream     string // its directory below the group's
	Bandwidth  int    // bit/s
	Resolution string // such as 320x180; may be empty
}

// Master writes group/playlist.m3u8 as EMS does when a group's first stream starts, before there is
// any chunk.
func Master(group string, variants ...Variant) error {
	if err := os.MkdirAll(group, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("#EXTM3U\r\n#EXT-X-VERSION:3\r\n")
	for _, v := range variants {
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:PROGRAM-ID=1,BANDWIDTH=%d", v.Bandwidth)
		if v.Resolution != "" {
			fmt.Fprintf(&b, ",RESOLUTION=%s", v.Resolution)
		}
		fmt.Fprintf(&b, "\r\n%s/playlist.m3u8\r\n", v.Stream)
	}
	return new(disk).truncateAndWrite(filepath.Join(group, "playlist.m3u8"), b.String())
}
