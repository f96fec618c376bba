package media

import "regexp"

// A Format is a kind of live output, or recordings: a row of the table of formats. What a format's
// specification leaves to the program that writes the files is in that program's [Writer].
type Format uint8

// The formats. Each is a row of the table below.
const (
	HLS       Format = iota + 1 // RFC 8216
	HDS                         // Adobe HTTP Dynamic Streaming
	DASH                        // ISO/IEC 23009-1
	MSS                         // Microsoft Smooth Streaming, [MS-SSTR]
	Recording                   // whole files, which no manifest names
)

// A row is what the program knows of one format.
type row struct {
	name    string // in logs
	section string // of config.ini
	older   string // EvoStream's name of that section

	manifests  []string       // the extensions of their names
	chunks     []string       // the same
	fragments  *regexp.Regexp // what else chunks are called; nil: nothing
	fragment   Kind           // of those
	bootstraps bool           // a file that has no extension lists the fragments
	recorded   bool           // its files are recordings

	parse func([]byte) (Manifest, error)                        // reads a manifest; nil: it has none
	cut   func([]byte, func(uri string) bool) (b []byte, n int) // see Layout.Cut; nil: it cannot
	rows  func(Manifest) (step, tracks uint64)                  // see Format.Rows; nil: unknown
}

// formats is the table. A file that is an OtherFile here may belong to another format, too, or its
// name is chosen freely: it belongs to this format when a manifest names it. The content types of
// HDS are what Adobe's and other origin servers send; see [contentTypes] for the others.
var formats = [...]row{
	0: {name: "unknown format"},
	HLS: {
		name: "HLS", section: "HLS", older: "AmazonHLSUpload",
		manifests: []string{".m3u8", ".m3u"},
		// Not .m4s and .mp4, which may be DASH's. A .key may be a private key.
		chunks: []string{".ts", ".aac", ".ac3", ".eac3", ".ec3", ".mp3", ".vtt", ".webvtt"},
		parse:  ParsePlaylist, cut: CutPlaylist, rows: oneRow,
	},
	HDS: {
		name: "HDS", section: "HDS", older: "AmazonHDSUpload",
		manifests: []string{".f4m"},
		fragments: regexp.MustCompile(`Seg[0-9]+-Frag[0-9]+$`), // before it: the media's URL
		fragment:  Kind{ChunkFile, "video/f4f"}, bootstraps: true,
		parse: ParseF4M, rows: numberedRows,
	},
	DASH: {
		name: "DASH", section: "DASH", older: "AmazonDASHUpload",
		manifests: []string{".mpd"}, chunks: []string{".m4s"},
		parse: ParseMPD, rows: timedRows,
	},
	MSS: {
		name: "MSS", section: "MSS", older: "AmazonMSSUpload",
		manifests: []string{".ismc"}, chunks: []string{".fmp4"},
		parse: ParseISMC, rows: timedRows,
	},
	Recording: {
		name: "recording", section: "Recordings", older: "AmazonRecordUpload",
		chunks: []string{".mp4", ".ts", ".flv"}, recorded: true,
	},
}

// Formats returns all formats, in the order of the table.
func Formats() []Format {
	all := make([]Format, 0, len(formats)-1)
	for f := range formats[1:] {
		all = append(all, Format(f+1))
	}
	return all
}

func (f Format) row() *row {
	if int(f) < len(formats) {
		return &formats[f]
	}
	return &formats[0]
}

// String returns the format's name, as logs have it.
func (f Format) String() string { return f.row().name }

// Section returns the name of the section of config.ini that publishes the format.
func (f Format) Section() string { return f.row().section }

// OlderSection returns the name that EvoStream's web services gave to that section, which means the
// same. It is also a switch in [Plugins].
func (f Format) OlderSection() string { return f.row().older }

// IsRecorded reports whether the format's files are recordings: large, independent of each other,
// and named by no manifest.
func (f Format) IsRecorded() bool { return f.row().recorded }

// HasBootstraps reports whether the format has files of bootstrap information: see
// [Layout.IsBootstrap].
func (f Format) HasBootstraps() bool { return f.row().bootstraps }

// Rows returns how far apart two neighbouring segments of m are, in the unit of m.Sequence, and how
// many rows of segments it has, for video, audio and the like. Both are 0 if m does not tell.
func (f Format) Rows(m Manifest) (step, tracks uint64) {
	if rows := f.row().rows; rows != nil {
		return rows(m)
	}
	return 0, 0
}
