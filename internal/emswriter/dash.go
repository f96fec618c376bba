package emswriter

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// DASH writes one stream's directory and its group's manifest, which names this stream only. Set
// the exported fields before Start and leave them alone afterwards. Its methods are for one
// goroutine.
//
// The order of calls is Start, First, then WriteVideo and WriteAudio, and NextVideo and NextAudio
// in turn, as the chunks end, and End; a Start after that, or in the middle of chunks, is a stream
// that came back: it uses the same names again, from 0.
type DASH struct {
	Dir       string // the stream's directory, <group>/<stream>; made if it is missing
	Appending bool   // list all chunks instead of the newest List
	List      int    // chunks of each track in a rolling manifest; default 5
	Stale     int    // chunks kept behind those; default List
	Bitrate   int    // bit/s: a part of the chunks' paths; default 198000
	VideoInit []byte // content of the init segments; made up if empty
	AudioInit []byte
	Cleanup   bool // cleanupDestination=1: Start deletes what earlier runs left, except init segments
	Now       func() time.Time

	disk
	started      time.Time
	video, audio track
	lastVideo    time.Duration // what the last video chunk lasted
	ahead        time.Duration // by how much the audio chunk after it was longer
}

// A track is the video or the audio of a stream, in chunks.
type track struct {
	open  *fragment
	at    time.Duration // of the open chunk
	timed []chunk       // that are in the manifest
	kept  []string      // closed chunks on disk, oldest first; unused if Appending
	// EMS writes the manifest when both tracks have one more chunk, and again when both have one
	// less.
	added, trimmed bool
}

// A chunk is an entry of a manifest.
type chunk struct {
	number int
	at     time.Duration
	lasts  time.Duration
}

// Manifest returns the manifest's path.
func (s *DASH) Manifest() string { return filepath.Join(filepath.Dir(s.Dir), "manifest.mpd") }

// VideoChunk returns the path of the video chunk that is being written.
func (s *DASH) VideoChunk() string { return s.chunk("video", s.video.at) }

// AudioChunk returns the path of the audio chunk that is being written.
func (s *DASH) AudioChunk() string { return s.chunk("audio", s.audio.at) }

// VideoSegment returns the path of the video's init segment.
func (s *DASH) VideoSegment() string { return filepath.Join(s.dir("video"), "seg_init.mp4") }

// AudioSegment returns the path of the audio's init segment.
func (s *DASH) AudioSegment() string { return filepath.Join(s.dir("audio"), "seg_init.mp4") }

// Abandon closes the open chunks and does nothing else, as the kernel does when a server is killed.
func (s *DASH) Abandon() {
	s.video.open.abandon()
	s.audio.open.abandon()
	s.video.open, s.audio.open = nil, nil
}

// Start begins a run: it writes the manifest, without any chunk, and the init segments.
func (s *DASH) Start() error {
	s.Abandon()
	s.video, s.audio, s.lastVideo, s.ahead = track{}, track{}, 0, 0
	s.started = clock(s.Now)
	if s.Cleanup {
		if err := s.remove(s.Manifest()); err != nil {
			return err
		}
		for _, kind := range []string{"audio", "video"} {
			if err := s.sweep(s.dir(kind), endsIn(".m4s")); err != nil {
				return err
			}
		}
	}
	for _, kind := range []string{"video", "audio"} {
		if err := os.MkdirAll(s.dir(kind), 0o755); err != nil {
			return err
		}
	}
	if err := s.truncateAndWrite(s.Manifest(), s.manifest()); err != nil {
		return err
	}
	if err := s.writeInit(s.AudioSegment(), s.AudioInit); err != nil {
		return err
	}
	return s.writeInit(s.VideoSegment(), s.VideoInit)
}

// writeInit truncates the init segment in place, and notes its size in the end.
func (s *DASH) writeInit(name string, content []byte) error {
	if len(content) == 0 {
		content = Content(640, name)
	}
	f, err := s.create(name)
	if err != nil {
		return err
	}
	draft := append(make([]byte, 4), content[min(4, len(content)):]...)
	for from, to := range pieces(len(draft), 4, 148) {
		if _, err := f.Write(draft[from:to]); err != nil {
			_ = f.Close()
			return err
		}
	}
	_, err = f.WriteAt(content, 0)
	return cmp.Or(err, f.Close())
}

// First creates the first chunks, whose final contents are given. EMS does so with the first key
// frame, about a second after Start. The contents must not be changed before the chunks are closed.
func (s *DASH) First(video, audio []byte) error {
	if err := s.createVideo(video); err != nil {
		return err
	}
	return s.createAudio(audio)
}

// WriteVideo appends the next n bytes of the content, or what is left of it, to the open video
// chunk: one frame.
func (s *DASH) WriteVideo(n int) error { return s.video.open.write(n) }

// WriteAudio does so with the open audio chunk.
func (s *DASH) WriteAudio(n int) error { return s.audio.open.write(n) }

// NextVideo ends the open video chunk, which lasted d, with what is left of its content, and
// creates the next one. The manifest names the chunk only when the audio's has ended, too.
func (s *DASH) NextVideo(d time.Duration, content []byte) error {
	if err := s.finishVideo(d, false); err != nil {
		return err
	}
	return s.createVideo(content)
}

// NextAudio ends the open audio chunk, which lasted d, with what is left of its content, and
// creates the next one. The manifest names the chunk before it is closed.
func (s *DASH) NextAudio(d time.Duration, content []byte) error {
	if err := s.finishAudio(d, false); err != nil {
		return err
	}
	return s.createAudio(content)
}

// End ends the open chunks, which lasted so long, and the stream. The manifest stays that of a live
// stream.
func (s *DASH) End(video, audio time.Duration) error {
	if err := s.finishAudio(audio, true); err != nil {
		return err
	}
	return s.finishVideo(video, true)
}

// Remove ends the stream as removeConfig does: no manifest ever names the last chunks.
func (s *DASH) Remove() error {
	for _, t := range []*track{&s.audio, &s.video} {
		f := t.open
		t.open = nil
		if err := f.complete(f.finalHead()); err != nil {
			return err
		}
		if err := f.file.Close(); err != nil {
			return err
		}
	}
	return nil
}

func (s *DASH) finishVideo(d time.Duration, last bool) error {
	if err := s.finish(&s.video, &s.audio, d, last); err != nil {
		return err
	}
	// What audio is ahead goes into the next chunk's time, not into this one's duration.
	s.video.at += d + s.ahead
	s.lastVideo, s.ahead = d, 0
	return nil
}

func (s *DASH) finishAudio(d time.Duration, last bool) error {
	if err := s.finish(&s.audio, &s.video, d, last); err != nil {
		return err
	}
	s.audio.at += d
	s.ahead = max(0, d-s.lastVideo)
	return nil
}

// finish repeats what EMS was seen to do at the end of a chunk.
func (s *DASH) finish(t, other *track, d time.Duration, last bool) error {
	if t.open == nil {
		return fs.ErrClosed
	}
	if err := t.open.complete(t.open.finalHead()); err != nil {
		return err
	}
	t.timed = append(t.timed, chunk{at: t.at, lasts: d})
	if err := s.update(&t.added, &other.added, last); err != nil {
		return err
	}
	if !s.Appending {
		if len(t.timed) > s.list() {
			t.timed = t.timed[1:]
			if err := s.update(&t.trimmed, &other.trimmed, last); err != nil {
				return err
			}
		}
		t.kept = append(t.kept, t.open.path)
		if len(t.kept) > s.list()+s.stale() {
			old := t.kept[0]
			t.kept = t.kept[1:]
			if err := s.remove(old); err != nil {
				return err
			}
		}
	}
	err := t.open.file.Close()
	t.open = nil
	return err
}

// update writes the manifest if both tracks have changed, or if this is the stream's last change.
func (s *DASH) update(changed, other *bool, last bool) error {
	*changed = true
	if !*other && !last {
		return nil
	}
	*changed, *other = false, false
	return s.truncateAndWrite(s.Manifest(), s.manifest())
}

// The head of a chunk is styp, sidx, moof with mfhd, traf, tfhd, tfdt and trun, and mdat's header.
const (
	dashVideoHead = 69360
	dashAudioHead = 69616
	dashSidx      = 24
	dashTfdt      = 140
	dashTrun      = 160
)

func (s *DASH) createVideo(content []byte) (err error) {
	s.video.open, err = s.createTrack(&s.video, s.VideoChunk(), content, dashVideoHead)
	return err
}

func (s *DASH) createAudio(content []byte) (err error) {
	s.audio.open, err = s.createTrack(&s.audio, s.AudioChunk(), content, dashAudioHead)
	return err
}

func (s *DASH) createTrack(t *track, path string, content []byte, head int) (*fragment, error) {
	if t.open != nil {
		return t.open, fs.ErrExist
	}
	return s.createFragment(path, content, form{head: head, entries: dashTrun + 24, sized: true, draft: draftDASH})
}

// draftDASH makes a head what it is when the chunk is created: neither its time nor its length are
// known.
func draftDASH(head []byte) {
	put(head, dashSidx+16, make([]byte, 12)...) // timescale, earliest presentation time
	put(head, dashSidx+40, make([]byte, 8)...)  // referenced size, duration
	put(head, dashTfdt+12, make([]byte, 8)...)
	put(head, dashTrun, 0, 0, 0, 24)
	put(head, dashTrun+12, 0, 0, 0, 0) // count
}

func (s *DASH) dir(kind string) string {
	return filepath.Join(s.Dir, kind, strconv.Itoa(s.bitrate()))
}

func (s *DASH) chunk(kind string, at time.Duration) string {
	return filepath.Join(s.dir(kind), "segment_"+strconv.FormatInt(at.Milliseconds(), 10)+".m4s")
}

func (s *DASH) bitrate() int { return cmp.Or(s.Bitrate, 198000) }
func (s *DASH) list() int    { return cmp.Or(s.List, 5) }
func (s *DASH) stale() int   { return cmp.Or(s.Stale, s.list()) }
