package media

import "time"

// A Writer is what one program that writes streams to disk does with the files of each format, by
// [Format], where the format's specification leaves that to the program. Which program writes a
// directory: [Layout.WriterOf].
type Writer []Traits

// A WriterName says whose files a [Layout] is about.
type WriterName uint8

const (
	// EMSWrites means that EvoStream's Media Server writes them.
	EMSWrites WriterName = iota
	// AnyWrites means that another program does, of which nothing is known.
	AnyWrites
	// NamesTell means that the names of the chunks tell which of the two it is.
	NamesTell
)

// Traits are what a Writer does with the files of one format. Each is what was seen, and not what
// the uploader does about it. The zero Traits are those of a program without surprises: it writes a
// chunk once, then the manifest that names it, and never gives a name to other content.
type Traits struct {
	// Tracks are the names of directories in a stream's directory that hold chunks one level
	// deeper, in a directory for each bitrate.
	Tracks []string
	// PartFiles has, by the extension of a file, those of files that exist beside it as long as it
	// is not whole.
	PartFiles map[string][]string

	// ClosesEarly: a chunk is closed once, after its header, long before it is whole.
	ClosesEarly bool
	// PatchesLate: a chunk is changed once more after it was whole: it gets the times of the two
	// that follow in its directory, when those are whole.
	PatchesLate bool

	// ReusesNames: a stream that starts again gives the names of its earlier chunks to new ones.
	// UniqueTimes: it does not where a time is in the name; see [HasTime].
	ReusesNames, UniqueTimes bool
	// DatesRuns: the availabilityStartTime of an MPD is when the run of the stream began, in which
	// times count from about 0.
	DatesRuns bool
	// NamesAfresh: a stream that starts again counts from the beginning and gives new names to all
	// chunks. So a manifest whose sequence fell, and that has names in common with the one before,
	// is an older one.
	NamesAfresh bool

	// NamesEarly is how long a manifest may be written before the last write to a chunk that it
	// names.
	NamesEarly time.Duration
	// InitsLate: the first manifest of a run, which names no segments yet, is written a few
	// milliseconds before the init segments that it names.
	InitsLate bool
	// BootstrapsLate: the F4M of a run is written before the first bootstrap of that run. Until the
	// first fragment is whole, the bootstrap lists those of the run before.
	BootstrapsLate bool
	// NamesUnwritten: a manifest may name chunks that are never written.
	NamesUnwritten bool
	// DeletesNewest: when a stream ends, its newest chunks may be deleted as soon as they are
	// closed, while the playlist names them.
	DeletesNewest bool

	API API
}

// API has the names by which the writer's API and its events speak of a format.
type API struct {
	Create string // the command that orders output
	List   string // of an answer to listConfig: the orders of Create
	// ChunkClosed is the type of the event that names a whole chunk. ManifestUpdated has those of
	// events that name a manifest.
	ChunkClosed     string
	ManifestUpdated []string
}

// Returns reports whether the name p, of a file that was written at that time, may come back with
// the content of another run. A zero time is one that is not known.
func (t *Traits) Returns(p string, written time.Time) bool {
	return t.ReusesNames && !(t.UniqueTimes && HasTime(p, written))
}

// IsImmutable is the opposite of Returns, for a whole chunk that is not patched either.
func (t *Traits) IsImmutable(p string, written time.Time) bool {
	return !t.Returns(p, written) && !t.PatchesLate
}

// Traits returns what the writer does with the files of a format. It must not be changed.
func (w Writer) Traits(f Format) *Traits {
	if int(f) < len(w) {
		return &w[f]
	}
	return &Traits{}
}

// Generic is any program of which nothing else is known. What it has is what is safe: EMS's streams
// are published right with it, too, only that caches keep less. HDS, MSS and recordings are EMS's
// alone.
var Generic = Writer{
	HLS: {
		// ffmpeg numbers from 0 after each start, and from 0 again with -segment_wrap.
		ReusesNames: true, UniqueTimes: true,
		// ffmpeg's segment muxer closes the playlist some milliseconds before the segment that it
		// names. On a busy host that takes longer.
		NamesEarly: 500 * time.Millisecond,
		// nginx-rtmp and ffmpeg's delete_segments remove chunks while or after a stream ends.
		DeletesNewest: true,
	},
	HDS: EMS[HDS],
	DASH: {
		// chunk-stream0-00001.m4s of ffmpeg comes back after each start.
		ReusesNames: true, UniqueTimes: true,
		NamesEarly: 500 * time.Millisecond,
		// As EMS: it costs a second, once.
		InitsLate: true,
	},
	MSS:       EMS[MSS],
	Recording: EMS[Recording],
}

// EMS is EvoStream's Media Server, as release 1.7.0 (build 3985) was seen to write to disk. The
// names in its API are those of testdata/emsapi/getConfigInfo.txt, and those of its events are
// those of testdata/events.
var EMS = Writer{
	HLS: {
		// segment_<time>_1.ts and media sequence 1 after each of 18 reconnects in half an hour, for
		// rolling and appending playlists.
		NamesAfresh: true,
		// The playlist names a chunk up to 3 ms before that chunk's last close.
		NamesEarly: 10 * time.Millisecond,
		// With cleanupOnClose=1, the last chunk was deleted 0.1 s after it was closed.
		DeletesNewest: true,
		API: API{
			Create: "createHLSStream", List: "hls", ChunkClosed: "hlsChunkClosed",
			ManifestUpdated: []string{"hlsMasterPlaylistUpdated", "hlsChildPlaylistUpdated"},
		},
	},
	HDS: {
		// A header of 5 kB is written and closed; the fragment is opened again at once.
		ClosesEarly: true,
		// f4vSeg1-Frag1 came back after each reconnect, with new content.
		ReusesNames: true,
		// The .f4m is written at a start, an end and a reconnect, the bootstrap after each
		// fragment's last close: so NamesEarly is 0.
		BootstrapsLate: true,
		API: API{
			Create: "createHDSStream", List: "hds", ChunkClosed: "hdsChunkClosed",
			ManifestUpdated: []string{"hdsMasterPlaylistUpdated", "hdsChildPlaylistUpdated"},
		},
	},
	DASH: {
		Tracks: []string{"video", "audio"}, // <stream>/video/<bitrate>/segment_<ms>.m4s
		// 69 kB of placeholder are written and closed; the segment is opened again at once.
		ClosesEarly: true,
		// The times in segment_<ms>.m4s began again after each reconnect, with new content.
		ReusesNames: true,
		// availabilityStartTime, in whole seconds, was that of the reconnect then.
		DatesRuns: true,
		// The manifest names a segment up to 3 ms before that segment's last close.
		NamesEarly: 10 * time.Millisecond,
		// seg_init.mp4 is rewritten after manifest.mpd when a stream starts again.
		InitsLate: true,
		// In groups of several bitrates, the manifest gives all of them the times of one.
		NamesUnwritten: true,
		API: API{
			Create: "createDASHStream", List: "dash", ChunkClosed: "dashChunkClosed",
			ManifestUpdated: []string{"dashPlaylistUpdated"},
		},
	},
	MSS: {
		Tracks: []string{"video", "audio"}, // <stream>/video/<bitrate>/<ms>.fmp4
		// As in DASH.
		ClosesEarly: true,
		// The third close comes two chunks (12 s) after the second: the look-ahead box ([MS-SSTR],
		// section 2.2.4.5) gets its times.
		PatchesLate: true,
		// Not measured: as in DASH.
		NamesEarly: 10 * time.Millisecond,
		// Groups of several bitrates: as in DASH.
		NamesUnwritten: true,
		API: API{
			Create: "createMSSStream", List: "mss", ChunkClosed: "mssChunkClosed",
			ManifestUpdated: []string{"mssPlaylistUpdated"},
		},
	},
	Recording: {
		// While an mp4 is recorded, only these four grow. The .mp4 is made out of them at the end.
		PartFiles: map[string][]string{".mp4": {".mdat", ".info", ".track1", ".track2"}},
		API:       API{ChunkClosed: "recordChunkClosed"}, // orders to record are no outputs: emsapi.Recording
	},
}
