package media

import (
	"path"
	"strings"
)

// A Role says how a file takes part in a stream.
type Role uint8

const (
	// Other files are published only when a manifest names them.
	Other Role = iota
	// Chunk files are written once: segments, init segments, AES keys, subtitles.
	Chunk
	// Manifest files name others and are rewritten.
	Manifest
)

// A Kind is what a file's name tells about it.
type Kind struct {
	Role        Role
	ContentType string // for the object's Content-Type header
}

// hlsKinds are the names of RFC 8216 streams. The extensions that other formats use, too (.mp4, .m4s
// in DASH and recordings), have the role Other: they belong to HLS when a playlist names them.
var hlsKinds = map[string]Kind{
	".m3u8":   {Manifest, "application/vnd.apple.mpegurl"}, // RFC 8216, section 4
	".m3u":    {Manifest, "application/vnd.apple.mpegurl"},
	".ts":     {Chunk, "video/mp2t"}, // RFC 3555
	".aac":    {Chunk, "audio/aac"},
	".key":    {Chunk, "application/octet-stream"},
	".vtt":    {Chunk, "text/vtt"},
	".webvtt": {Chunk, "text/vtt"},
	".m4s":    {Other, "video/iso.segment"},
	".mp4":    {Other, "video/mp4"},
	".m4v":    {Other, "video/mp4"},
	".m4a":    {Other, "audio/mp4"},
}

// HLSKind returns what name is in an HLS stream. A name of no known extension is an Other file of
// type application/octet-stream.
func HLSKind(name string) Kind {
	if k, ok := hlsKinds[strings.ToLower(path.Ext(name))]; ok {
		return k
	}
	return Kind{Other, "application/octet-stream"}
}
