package media

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// A Format is one of EMS's kinds of output.
type Format uint8

const (
	HLS       Format = iota + 1 // RFC 8216
	HDS                         // Adobe HTTP Dynamic Streaming
	DASH                        // ISO/IEC 23009-1
	MSS                         // Microsoft Smooth Streaming
	Recording                   // whole files, which no manifest names
)

func (f Format) String() string {
	switch f {
	case HLS:
		return "HLS"
	case HDS:
		return "HDS"
	case DASH:
		return "DASH"
	case MSS:
		return "MSS"
	case Recording:
		return "recording"
	}
	return "unknown format"
}

// ReusesNames reports whether a stream that starts anew uses the names of its earlier chunks again.
func (f Format) ReusesNames() bool { return f == HDS || f == DASH }

// ClosesEarly reports whether EMS closes a chunk once, after its header, long before it is whole.
func (f Format) ClosesEarly() bool { return f == HDS || f == DASH || f == MSS }

// PatchesLate reports whether EMS changes a chunk once more after it was whole: MSS fragments get the times
// of the two that follow in their directory, when those are whole.
func (f Format) PatchesLate() bool { return f == MSS }

// IsImmutable reports whether the name of a whole chunk never gets other content.
func (f Format) IsImmutable() bool { return !f.ReusesNames() && !f.PatchesLate() }

// A Layout says what the names below one root mean to one format.
type Layout struct {
	Format    Format
	Bootstrap string // HDS: the name of the files with bootstrap information
}

// A Role says how a file takes part in a stream.
type Role uint8

const (
	// OtherFile is published only when a manifest names it.
	OtherFile Role = iota
	// ChunkFile is a segment, a subtitle or a recording.
	ChunkFile
	// ManifestFile names others and is rewritten.
	ManifestFile
)

// A Kind is what a file's name tells about it.
type Kind struct {
	Role        Role
	ContentType string // for the object's Content-Type header
}

// kinds are the names of each format by extension. What is an OtherFile here may belong to another format, too, or
// is chosen freely: it belongs to this one when a manifest names it. The content types are the registered ones
// or, for HDS, those that Adobe's and other origin servers send.
var kinds = map[Format]map[string]Kind{
	HLS: {
		".m3u8":   {ManifestFile, "application/vnd.apple.mpegurl"}, // RFC 8216, section 4
		".m3u":    {ManifestFile, "application/vnd.apple.mpegurl"},
		".ts":     {ChunkFile, "video/mp2t"}, // RFC 3555
		".aac":    {ChunkFile, "audio/aac"},
		".key":    {OtherFile, "application/octet-stream"}, // a private key has this name, too
		".vtt":    {ChunkFile, "text/vtt"},
		".webvtt": {ChunkFile, "text/vtt"},
		".m4s":    {OtherFile, "video/iso.segment"},
		".mp4":    {OtherFile, "video/mp4"},
		".m4v":    {OtherFile, "video/mp4"},
		".m4a":    {OtherFile, "audio/mp4"},
	},
	HDS: {
		".f4m": {ManifestFile, "application/f4m+xml"},
	},
	DASH: {
		".mpd": {ManifestFile, "application/dash+xml"},
		".m4s": {ChunkFile, "video/iso.segment"},
		".mp4": {OtherFile, "video/mp4"},
		".m4v": {OtherFile, "video/mp4"},
		".m4a": {OtherFile, "audio/mp4"},
		".vtt": {OtherFile, "text/vtt"},
		".key": {OtherFile, "application/octet-stream"},
	},
	MSS: {
		".ismc": {ManifestFile, "application/vnd.ms-sstr+xml"},
		".fmp4": {ChunkFile, "video/mp4"},
	},
	Recording: {
		".mp4": {ChunkFile, "video/mp4"},
		".ts":  {ChunkFile, "video/mp2t"},
		".flv": {ChunkFile, "video/x-flv"},
	},
}

const (
	bootstrapType = "video/abst"
	fragmentType  = "video/f4f"
)

// fragmentName is the end of an HDS fragment's name; what stands before it is the media's URL.
var fragmentName = regexp.MustCompile(`Seg[0-9]+-Frag[0-9]+$`)

// Kind returns what the file p is. A name that the format does not know is an OtherFile of type
// application/octet-stream.
func (l Layout) Kind(p string) Kind {
	if l.Format == HDS {
		switch {
		case l.IsBootstrap(p):
			return Kind{ManifestFile, bootstrapType}
		case fragmentName.MatchString(p):
			return Kind{ChunkFile, fragmentType}
		}
	}
	if k, ok := kinds[l.Format][strings.ToLower(path.Ext(p))]; ok {
		return k
	}
	return Kind{OtherFile, "application/octet-stream"}
}

// IsBootstrap reports whether p is a file of bootstrap information. It is a manifest that [Layout.Parse] cannot read:
// it lists fragments of media that only the F4M names which names p, too. See [Manifest.Media] and [ParseBootstrap].
func (l Layout) IsBootstrap(p string) bool {
	return l.Format == HDS && path.Base(p) == l.Bootstrap
}

// Parse reads the content of the manifest p. The error wraps [ErrIncomplete] if the content may only be cut short.
func (l Layout) Parse(p string, content []byte) (Manifest, error) {
	if l.IsBootstrap(p) || l.Kind(p).Role != ManifestFile {
		return Manifest{}, fmt.Errorf("%s: it is no manifest of %s that can be read alone", p, l.Format)
	}
	switch l.Format {
	case HLS:
		return ParsePlaylist(content)
	case HDS:
		return ParseF4M(content)
	case DASH:
		return ParseMPD(content)
	default: // no other format has manifests
		return ParseISMC(content)
	}
}

// Stream returns the directory of the stream that p belongs to. DASH and MSS have chunks two levels below
// it, in {video,audio}/<bitrate>.
func (l Layout) Stream(p string) string {
	dir := path.Dir(p)
	if l.Format == DASH || l.Format == MSS {
		if track := path.Dir(dir); slices.Contains([]string{"video", "audio"}, path.Base(track)) {
			return path.Dir(track)
		}
	}
	return dir
}

// Unfinished returns the names of files that stand beside p only as long as p is not whole: EMS writes an
// mp4 recording out of four part files when the recording ends, and deletes them then.
func (l Layout) Unfinished(p string) []string {
	if l.Format != Recording || strings.ToLower(path.Ext(p)) != ".mp4" {
		return nil
	}
	return []string{p + ".mdat", p + ".info", p + ".track1", p + ".track2"}
}
