package hls

// The tags that are read here; all others are kept (RFC 8216, section 4.3, and its second edition,
// draft-pantos-hls-rfc8216bis, section 4.4).
const (
	tagPlaylist    = "#EXTM3U"
	tagVersion     = "#EXT-X-VERSION"
	tagTarget      = "#EXT-X-TARGETDURATION"
	tagSequence    = "#EXT-X-MEDIA-SEQUENCE"
	tagNumber      = "#EXT-X-DISCONTINUITY-SEQUENCE"
	tagType        = "#EXT-X-PLAYLIST-TYPE"
	tagEnd         = "#EXT-X-ENDLIST"
	tagFrames      = "#EXT-X-I-FRAMES-ONLY"
	tagIndependent = "#EXT-X-INDEPENDENT-SEGMENTS"
	tagStart       = "#EXT-X-START"

	tagDuration      = "#EXTINF"
	tagRange         = "#EXT-X-BYTERANGE"
	tagDiscontinuity = "#EXT-X-DISCONTINUITY"
	tagKey           = "#EXT-X-KEY"
	tagMap           = "#EXT-X-MAP"
	tagDate          = "#EXT-X-PROGRAM-DATE-TIME"
	tagGap           = "#EXT-X-GAP"
)

// ourLine begins the comment that says how a playlist was continued. It has what the rest of the
// playlist does not tell: "offset=<Offset>" and, while there is a tail, "run=<Run>".
const ourLine = "## ems-sidecar "

// Values of EXT-X-PLAYLIST-TYPE, and the default KEYFORMAT.
const (
	event    = "EVENT"
	vod      = "VOD"
	identity = "identity"
)

// A kind says to what a line belongs.
type kind uint8

const (
	ofAny      kind = iota // comments, empty lines and unknown tags: to what stands around them
	ofSegment              // to the next segment, or to it and those behind it
	ofPlaylist             // to the playlist as a whole
	ofSet                  // to a Multivariant Playlist
	fixed                  // to the playlist as it is: rewritten, it would be wrong
)

// kinds has the kinds of all tags that are no other's. The fixed ones:
//   - EXT-X-DEFINE: URIs of former segments would mean other variables.
//   - EXT-X-SKIP: the playlist is only a part.
//   - EXT-X-PART, -PART-INF, -PRELOAD-HINT, -RENDITION-REPORT: players ask for parts by numbers that
//     the server has given, and for the playlist that has them.
//
// EXT-X-SERVER-CONTROL is fixed if it promises such answers; see [promises].
var kinds = map[string]kind{
	tagVersion: ofPlaylist, tagTarget: ofPlaylist, tagSequence: ofPlaylist, tagNumber: ofPlaylist,
	tagType: ofPlaylist, tagEnd: ofPlaylist, tagFrames: ofPlaylist, tagIndependent: ofPlaylist, tagStart: ofPlaylist,
	"#EXT-X-ALLOW-CACHE": ofPlaylist, "#EXT-X-SERVER-CONTROL": ofPlaylist,

	tagDuration: ofSegment, tagRange: ofSegment, tagDiscontinuity: ofSegment, tagKey: ofSegment, tagMap: ofSegment,
	tagDate: ofSegment, tagGap: ofSegment, "#EXT-X-BITRATE": ofSegment, "#EXT-X-DATERANGE": ofSegment,

	"#EXT-X-STREAM-INF": ofSet, "#EXT-X-MEDIA": ofSet, "#EXT-X-I-FRAME-STREAM-INF": ofSet,
	"#EXT-X-SESSION-DATA": ofSet, "#EXT-X-SESSION-KEY": ofSet, "#EXT-X-CONTENT-STEERING": ofSet,
	"#EXT-X-IMAGE-STREAM-INF": ofSet,

	"#EXT-X-DEFINE": fixed, "#EXT-X-SKIP": fixed, "#EXT-X-PART": fixed, "#EXT-X-PART-INF": fixed,
	"#EXT-X-PRELOAD-HINT": fixed, "#EXT-X-RENDITION-REPORT": fixed,
}

// promises has the attributes of EXT-X-SERVER-CONTROL that promise answers to questions with numbers.
var promises = map[string]bool{
	"CAN-BLOCK-RELOAD": true, "CAN-SKIP-UNTIL": true, "CAN-SKIP-DATERANGES": true, "PART-HOLD-BACK": true,
}
