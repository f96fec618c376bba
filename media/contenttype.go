package media

import (
	"path"
	"strings"
)

// unknownType is the content type of a file of which nothing is known (RFC 2046, section 4.5.1).
const unknownType = "application/octet-stream"

// contentTypes has the types of all that may belong to a stream, by the extension of the name. They
// are those that IANA has registered, except where a comment says that there is none.
var contentTypes = map[string]string{
	".m3u8": "application/vnd.apple.mpegurl", ".m3u": "application/vnd.apple.mpegurl", // RFC 8216, section 4
	".mpd":  "application/dash+xml",
	".mpp":  "application/dash-patch+xml",
	".f4m":  "application/f4m+xml", // not registered: Adobe's
	".ismc": "application/vnd.ms-sstr+xml",

	".ts":   "video/mp2t", // RFC 3555
	".m2ts": "video/mp2t",
	".m4s":  "video/iso.segment",
	".mp4":  "video/mp4",
	".m4v":  "video/mp4",
	".cmfv": "video/mp4", // ISO/IEC 23000-19, annex E
	".fmp4": "video/mp4",
	".m4a":  "audio/mp4",
	".cmfa": "audio/mp4",
	".cmft": "application/mp4",
	".cmfm": "application/mp4",
	".webm": "video/webm",
	".weba": "audio/webm",
	".flv":  "video/x-flv", // not registered: Adobe's

	".aac":  "audio/aac",
	".ac3":  "audio/ac3",
	".eac3": "audio/eac3",
	".ec3":  "audio/eac3",
	".mp3":  "audio/mpeg",
	".flac": "audio/flac", // RFC 9639
	".ogg":  "audio/ogg",  // RFC 5334
	".opus": "audio/ogg",

	".vtt":    "text/vtt",
	".webvtt": "text/vtt",
	".ttml":   "application/ttml+xml",
	".dfxp":   "application/ttml+xml",
	".srt":    "application/x-subrip", // not registered: players and browsers know this one

	".jpg":  "image/jpeg",
	".jpeg": "image/jpeg",
	".png":  "image/png",
	".webp": "image/webp",
	".avif": "image/avif",
	".gif":  "image/gif",

	".json": "application/json",
	".xml":  "application/xml",
	".txt":  "text/plain",
	".key":  unknownType, // 16 bytes
}

// extensionOf returns the extension of the name p, in lower case.
func extensionOf(p string) string { return strings.ToLower(path.Ext(p)) }

// contentTypeOf returns the content type of the file p.
func contentTypeOf(p string) string {
	if is, ok := contentTypes[extensionOf(p)]; ok {
		return is
	}
	return unknownType
}

// isDocument has the files that say something for a while: lists of ads, steering manifests, patches
// of manifests, times. Whatever the writer does with its chunks, these are written again under the
// same name.
var isDocument = map[string]bool{".json": true, ".xml": true, ".mpp": true, ".txt": true}
